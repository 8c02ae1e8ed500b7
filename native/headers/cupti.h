#include <cupti_activity.h>
#include <cupti_callbacks.h>
#include <cupti_version.h>
