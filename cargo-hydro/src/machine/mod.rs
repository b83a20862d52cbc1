//! Machines: places where services run.
