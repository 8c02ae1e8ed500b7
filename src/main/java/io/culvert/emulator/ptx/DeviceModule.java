package io.culvert.emulator.ptx;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** A module's global and constant variables in a {@link DeviceMemory}. */
public final class DeviceModule {
    private final DeviceMemory memory;
    private final Map<String, Region> regions = new HashMap<>();

    DeviceModule(PtxModule module, DeviceMemory memory) {
        this.memory = memory;
        for (Variable variable : module.variables()) {
            boolean constant = variable.space().equals("const");
            Region region = memory.allocate(Math.max(1, variable.bytes()), variable.name(), constant);
            region.data.fill((byte) 0);
            if (variable.initial() != null) {
                MemorySegment.copy(
                        MemorySegment.ofArray(variable.initial()), 0, region.data, 0, variable.initial().length);
            }
            region.markWritten(0, region.size);
            regions.put(variable.name(), region);
        }
        for (Variable variable : module.variables()) {
            Region region = regions.get(variable.name());
            for (Variable.Pointer pointer : variable.pointers()) {
                Long function = module.functionAddress(pointer.symbol());
                long target = function != null ? function : address(pointer.symbol());
                region.store(pointer.offset(), 8, target + pointer.addend());
            }
        }
    }

    /** Address of a variable, as cuModuleGetGlobal gives it. */
    public long address(String variable) {
        return region(variable).base;
    }

    /** Size of a variable. */
    public long bytes(String variable) {
        return region(variable).size;
    }

    public boolean has(String variable) {
        return regions.containsKey(variable);
    }

    private Region region(String variable) {
        Region region = regions.get(variable);
        if (region == null) {
            throw new IllegalArgumentException(
                    "no variable '%s'; the module has %s".formatted(variable, regions.keySet()));
        }
        return region;
    }

    void unload() {
        regions.values().forEach(region -> memory.free(region.base));
    }
}
