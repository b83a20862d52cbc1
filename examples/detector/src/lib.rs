//! Nothing but the dataflow in `member.hf`.
