//! Modules → HTML pages for people: ports, parameters, doc comments, the dataflow drawn, the source.
//!
//! A page stands for itself: no scripts, nothing loaded, light and dark as the reader likes it. `markdown` reads doc comments, `page` writes pages.
//! Knows nothing of files; the caller says what links to what.

mod markdown;
mod page;

pub use page::{Entry, Page, index, page};
