// The system's table of system calls by name, for Sandbox alone.
#include <seccomp.h>
