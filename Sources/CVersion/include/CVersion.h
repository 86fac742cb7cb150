// The version of this build, which Package.swift sets.
#pragma once

// Returns a static string such as "0.1.0".
const char *_Nonnull cversion(void);
