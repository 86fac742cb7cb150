// The version of this build, which Package.swift sets.
#pragma once

// Returns a static string such as "0.1.0".
const char *_Nonnull cversion(void);

// Returns a static string such as "1a2b3c4"; it is empty if the build was not given a commit.
const char *_Nonnull ccommit(void);
