//! Figures: medians, how numbers are written, tables. Knows no units but those it is given.

use std::fmt::Write as _;

/// Returns the middle one of some figures, or the mean of the middle two; not a number where there are none.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => f64::NAN,
        sorted if sorted.len() % 2 == 1 => sorted[sorted.len() / 2],
        sorted => (sorted[sorted.len() / 2 - 1] + sorted[sorted.len() / 2]) / 2.0,
    }
}

/// Returns how far figures lie apart: half the distance of the extremes, as a share of the median.
pub fn half_range(figures: &[f64]) -> f64 {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most - least) / 2.0 / median(figures)
}

/// Writes a number of things per second with a unit that suits it.
pub fn rate(figure: f64) -> String {
    match figure {
        figure if figure.is_nan() => "-".to_owned(),
        figure if figure >= 1e8 => format!("{:.0} M/s", figure / 1e6),
        figure if figure >= 1e6 => format!("{:.2} M/s", figure / 1e6),
        figure => format!("{:.1} k/s", figure / 1e3),
    }
}

/// Writes a ratio, with the bar it must not be on the wrong side of, where there is one.
pub fn ratio(figure: f64, bar: Option<Bar>) -> String {
    if figure.is_nan() {
        return "-".to_owned();
    }
    match bar {
        Some(bar) => format!("{figure:.2}x ({}x)", bar.judge(figure)),
        None => format!("{figure:.2}x"),
    }
}

/// What a ratio is held against.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
}

impl Bar {
    /// Tells whether a figure is on the right side.
    pub fn judge(self, figure: f64) -> String {
        let (holds, sign, limit) = match self {
            Self::AtLeast(limit) => (figure >= limit, ">=", limit),
            Self::AtMost(limit) => (figure <= limit, "<=", limit),
        };
        format!("{} {sign} {limit}", if holds { "ok" } else { "MISSED" })
    }
}

/// Writes rows as a table in Markdown whose columns are aligned; the first row is the head.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if at == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

/// Tells how busy the machine is: figures of a busy machine say less.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
