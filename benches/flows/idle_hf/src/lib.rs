//! Nothing: the program is beside it.
