//! One script per feature of the SDKs, the same in each language: both must print the same.
//!
//! `features/NAME.stdout` says what `NAME.hydro.py` and `NAME.hydro.mjs` print. A script that ends with another code than 0 has the last line `exit code N` there, and what
//! it must say on standard error stands line by line in `NAME.stderr`, its arguments in `NAME.args`; a line of the script that ends in `fails here` must be named there too.

mod document;
mod examples;
mod feature;
mod javascript;
mod traffic;
mod tsc;
mod types;
mod units;

use std::sync::{Mutex, PoisonError};

use feature::{Feature, Language, features};

use crate::support::{node_is_there, programs};

/// How many scripts run at a time.
const TOGETHER: usize = 3;

/// Runs all features in one language and tells of each that is wrong.
fn run_all(language: Language) {
    // One language after the other: scripts of one feature have deployments of one name.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let features = features();
    // Whatever the scripts share is built and laid down before they run side by side.
    feature::lay_down(programs().workspace());
    let waiting = Mutex::new(features.iter().filter(|feature| feature.is_in(language)));
    let complaints = Mutex::new(Vec::new());
    let work = || {
        loop {
            let Some(feature) = next(&waiting) else { return };
            if let Err(complaint) = feature.run(language) {
                complaints.lock().expect("nobody panicked").push(complaint);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(work);
        }
    });
    let complaints = complaints.into_inner().expect("nobody panicked");
    assert!(complaints.is_empty(), "{} of {} features\n{}", complaints.len(), features.len(), complaints.join("\n"));
}

fn next<'a>(waiting: &Mutex<impl Iterator<Item = &'a Feature>>) -> Option<&'a Feature> {
    waiting.lock().expect("nobody panicked").next()
}

#[test]
fn every_feature_has_a_script_in_each_language() {
    let is_half = |feature: &&Feature| [Language::Python, Language::JavaScript].iter().any(|&one| !feature.is_in(one));
    let features = features();
    let halves: Vec<&Feature> = features.iter().filter(is_half).collect();
    assert!(halves.is_empty(), "{halves:#?}");
    assert!(features.len() >= 40, "{} features", features.len());
}

#[test]
fn every_feature_works_in_python() {
    run_all(Language::Python);
    // What a package never says, no feature shows: both say `deployment.fault` for a partition too. Hooks have their own tests.
    let unseen = ["deployment.partition", "hooks.done", "hooks.wait"];
    assert_eq!(traffic::unseen(), unseen, "methods of the protocol that no feature uses");
}

#[test]
fn every_feature_works_in_javascript() {
    if node_is_there() {
        run_all(Language::JavaScript);
    }
}
