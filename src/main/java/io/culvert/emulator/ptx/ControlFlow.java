package io.culvert.emulator.ptx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Finds where the paths of each branch meet again: at the branch's immediate post-dominator, the first instruction that
 * every way from the branch to the function's end passes. Cooper, Harvey and Kennedy, A Simple, Fast Dominance
 * Algorithm (2001), on the reversed graph.
 */
final class ControlFlow {
    private final Instruction[] code;
    private final int end;
    private final List<List<Integer>> successors = new ArrayList<>();
    private final List<List<Integer>> predecessors = new ArrayList<>();

    private ControlFlow(Instruction[] code) {
        this.code = code;
        end = code.length;
        for (int i = 0; i <= end; i++) {
            successors.add(new ArrayList<>());
            predecessors.add(new ArrayList<>());
        }
        for (int i = 0; i < end; i++) {
            edges(i);
        }
    }

    private void edges(int i) {
        Instruction instruction = code[i];
        boolean falls = instruction.guard >= 0;
        switch (instruction.control) {
            case BRANCH, BRANCH_TABLE -> {
                for (int target : instruction.targets) {
                    edge(i, target);
                }
            }
            case RETURN, EXIT -> edge(i, end);
            default -> falls = true;
        }
        if (falls) {
            edge(i, i + 1);
        }
    }

    private void edge(int from, int to) {
        successors.get(from).add(to);
        predecessors.get(to).add(from);
    }

    static void findMeetingPoints(Instruction[] code) {
        ControlFlow flow = new ControlFlow(code);
        int[] meet = flow.postDominators();
        for (int i = 0; i < code.length; i++) {
            // A loop that never leaves has none: its lanes meet at the end.
            code[i].reconverge = meet[i] < 0 ? code.length : meet[i];
        }
    }

    private int[] postDominators() {
        int[] order = new int[end + 1];
        int[] rank = new int[end + 1];
        int count = postOrder(order, rank);
        int[] meet = new int[end + 1];
        Arrays.fill(meet, -1);
        meet[end] = end;
        for (boolean changed = true; changed; ) {
            changed = false;
            for (int k = count - 2; k >= 0; k--) {
                int node = order[k];
                int found = -1;
                for (int next : successors.get(node)) {
                    if (meet[next] >= 0) {
                        found = found < 0 ? next : intersect(found, next, meet, rank);
                    }
                }
                if (found != meet[node]) {
                    meet[node] = found;
                    changed = true;
                }
            }
        }
        return meet;
    }

    private static int intersect(int a, int b, int[] meet, int[] rank) {
        while (a != b) {
            while (rank[a] < rank[b]) {
                a = meet[a];
            }
            while (rank[b] < rank[a]) {
                b = meet[b];
            }
        }
        return a;
    }

    /** Post-order of a walk from the end against the edges, without recursion: functions may be long. */
    private int postOrder(int[] order, int[] rank) {
        BitSet seen = new BitSet();
        int[] stack = new int[end + 1];
        int[] next = new int[end + 1];
        int depth = 0;
        int count = 0;
        stack[depth++] = end;
        seen.set(end);
        while (depth > 0) {
            int node = stack[depth - 1];
            List<Integer> from = predecessors.get(node);
            if (next[node] < from.size()) {
                int before = from.get(next[node]++);
                if (!seen.get(before)) {
                    seen.set(before);
                    stack[depth++] = before;
                }
            } else {
                depth--;
                rank[node] = count;
                order[count++] = node;
            }
        }
        return count;
    }
}
