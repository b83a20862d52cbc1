//! The programs beside this file need nothing of the package; cargo wants it to have a target.
