//! The programs of this package are the `.hf` files beside this one.
