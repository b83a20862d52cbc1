//! Nodes and edges → an SVG drawing, without help from any other program.
//!
//! `scene` says what is drawn, `layers` puts nodes into rows so that edges go down, `order` sorts each row so that few edges cross, `place` gives them
//! coordinates, `svg` writes the text. Nothing here knows what an operator means; the same input gives the same bytes.

mod layers;
mod order;
mod place;
mod scene;
mod svg;

pub use scene::{Edge, Kind, Line, Node, Scene};
pub use svg::{STYLE, escaped, svg, svg_inline};
