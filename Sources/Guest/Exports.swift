// Init compiles the files of Guest and Probe into one module, so they cannot import each other; Guest does it here.
@_exported public import Probe
