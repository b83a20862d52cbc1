//! The tables: medians of both sides, their ratios, and the bars these are held against.

use benches::figures::{Bar, median, ratio, table};
use benches::process::Cost;

use crate::Costs;
use crate::side::{Profile, Side};

/// What a build of nothing may take longer than starting the command.
const NOTHING_SECONDS: f64 = 0.050;

/// A row's name, its costs, and the bar of its processor seconds.
type Row = (&'static str, fn(&Costs) -> &[Cost], Option<Bar>);

/// Prints what was measured with one profile.
pub(crate) fn print(profile: Profile, sides: &[Side], costs: &[Costs], start: &[Cost]) {
    let pick: [Row; 3] = [
        ("cold build", |costs| &costs.cold, Some(Bar::AtMost(1.0))),
        ("one operator edited", |costs| &costs.edit, Some(Bar::AtMost(1.0))),
        ("nothing changed", |costs| &costs.nothing, None),
    ];
    let mut head = vec!["".to_owned()];
    head.extend(sides.iter().flat_map(|side| [format!("{}: cpu", side.name), "wall".to_owned()]));
    head.extend(sides.iter().skip(1).flat_map(|side| [format!("cpu, hydro / {}", side.name), "wall".to_owned()]));
    let mut rows = vec![head];
    for (name, of, bar) in pick {
        let medians: Vec<(f64, f64)> = costs.iter().map(|costs| (cpu(of(costs)), wall(of(costs)))).collect();
        let mut row = vec![name.to_owned()];
        row.extend(medians.iter().flat_map(|(cpu, wall)| [seconds(*cpu), seconds(*wall)]));
        if let Some(((cpu, wall), others)) = medians.split_first() {
            row.extend(others.iter().flat_map(|other| [ratio(cpu / other.0, bar), ratio(wall / other.1, None)]));
        }
        rows.push(row);
    }
    println!("\nprofile {}\n{}", profile.name(), table(&rows));
    let Some(ours) = costs.first() else { return };
    let over = wall(&ours.nothing) - wall(start);
    let verdict = if over < NOTHING_SECONDS { "ok" } else { "MISSED" };
    println!(
        "`hydro build` of nothing takes {} longer than `hydro --version` ({}): {verdict} < {}",
        seconds(over),
        seconds(wall(start)),
        seconds(NOTHING_SECONDS)
    );
}

fn cpu(costs: &[Cost]) -> f64 {
    median(&costs.iter().map(|cost| cost.cpu).collect::<Vec<_>>())
}

fn wall(costs: &[Cost]) -> f64 {
    median(&costs.iter().map(|cost| cost.wall).collect::<Vec<_>>())
}

fn seconds(figure: f64) -> String {
    if figure < 1.0 { format!("{:.1} ms", figure * 1e3) } else { format!("{figure:.2} s") }
}
