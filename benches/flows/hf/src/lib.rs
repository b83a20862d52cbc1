//! The program of this package is the `.hf` file beside this one.
