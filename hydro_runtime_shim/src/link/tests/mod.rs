//! Two ends in one process over real sockets.
