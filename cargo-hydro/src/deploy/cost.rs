//! What machines that are made for a deployment cost, by list prices: an estimate from above, so that nobody pays more than was wished for by mistake. Pure.
//!
//! Prices per hour in US dollars of `us-central1`, on demand and without any discount, of the order of 2025. They were not compared with
//! Google's price list (<https://cloud.google.com/compute/vm-instance-pricing>), which counts. Other regions but the cheapest are taken to be as dear as the dearest. Traffic is not in it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::model::{Deployment, MachineKind};
use crate::machine::{CloudMachine, Reached};
use crate::report::{ExitCode, Failure};

/// Millionths of a US dollar for an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Price(u64);

/// A family: its name, the price of a processor and of a GiB of memory.
type Family = (&'static str, u64, u64);
const FAMILIES: [Family; 6] = [
    ("e2", 21_811, 2_923),
    ("n1", 31_611, 4_237),
    ("n2", 31_611, 4_237),
    ("n2d", 27_502, 3_686),
    ("t2d", 27_502, 3_686),
    ("c2", 33_980, 4_550),
];
/// Types that share a processor, or have a price of their own.
const SINGLE: [(&str, u64); 6] = [
    ("e2-micro", 8_380),
    ("e2-small", 16_750),
    ("e2-medium", 33_510),
    ("f1-micro", 7_600),
    ("g1-small", 25_700),
    ("t2a-standard-1", 38_500),
];
/// Regions with those prices.
const CHEAPEST: [&str; 3] = ["us-central1", "us-east1", "us-west1"];
/// The dearest region has so many percent of them.
const DEAREST: u64 = 160;
/// A GB of a balanced disk: 0.10 for a month of 730 hours.
const DISK: u64 = 137;
/// The size that images have.
const IMAGE_GB: u64 = 10;
/// A public address.
const ADDRESS: u64 = 5_000;

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let dollars: f64 = text.parse().map_err(|_| "an amount of US dollars is written as in `0.25`".to_owned())?;
        if !(0.0..=1_000_000.0).contains(&dollars) {
            return Err("an amount is not negative, and below a million".to_owned());
        }
        // In range, and a part of a millionth is nothing.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up: it is a bound.
        let parts = self.0.div_ceil(100);
        write!(f, "{}.{:04} USD", parts / 10_000, parts % 10_000)
    }
}

/// Refuses a deployment whose machines cost more.
pub(super) fn check(deployment: &Deployment, most: Option<Price>) -> Result<(), Failure> {
    let Some(most) = most else { return Ok(()) };
    let is_used = |name: &String| deployment.services.values().any(|service| service.machine == *name);
    let (mut all, mut each) = (Price::default(), Vec::new());
    for (name, machine) in deployment.machines.iter().filter(|(name, _)| is_used(name)) {
        let MachineKind::Gcp(wish) = &machine.kind else { continue };
        let Some(price) = hourly(wish) else {
            let message = format!("what the machine `{name}` costs is not known: {}", wish.machine_type);
            let known: Vec<&str> = FAMILIES.iter().map(|(family, ..)| *family).collect();
            let hint =
                format!("prices of {} are; without `--max-cost-per-hour` it is made all the same", known.join(", "));
            let failure = Failure::new(ExitCode::DeployFailed, message).hint(hint);
            return Err(Failure { origin: machine.origin.clone(), ..failure });
        };
        all.0 += price.0;
        each.push(format!("{name}: {price} ({} in {})", wish.machine_type, wish.zone));
    }
    if all <= most {
        return Ok(());
    }
    let message = format!("the machines cost up to {all} an hour, and {most} is the most that is wished for");
    let hint =
        "that is an estimate by list prices; take smaller types, fewer machines, or a higher `--max-cost-per-hour`";
    Err(Failure { causes: each, ..Failure::new(ExitCode::DeployFailed, message).hint(hint) })
}

fn hourly(wish: &CloudMachine) -> Option<Price> {
    let single = SINGLE.iter().find(|(name, _)| *name == wish.machine_type).map(|(_, price)| *price);
    let processors = single.or_else(|| of_family(&wish.machine_type))?;
    let disk = u64::from(wish.disk.unwrap_or(0)).max(IMAGE_GB) * DISK;
    let address = if wish.address == Reached::External { ADDRESS } else { 0 };
    let all = processors + disk + address;
    let percent = if CHEAPEST.contains(&wish.region()) { 100 } else { DEAREST };
    Some(Price(all * percent / 100))
}

/// `FAMILY-SHAPE-PROCESSORS`, where the shape says how much memory each processor has.
fn of_family(machine_type: &str) -> Option<u64> {
    let mut words = machine_type.split('-');
    let (family, shape, count) = (words.next()?, words.next()?, words.next()?);
    let (_, processor, memory) = FAMILIES.iter().find(|(name, ..)| *name == family)?;
    let count: u64 = count.parse().ok().filter(|count| (1..=1024).contains(count))?;
    // In hundredths of a GiB.
    let each = match (shape, family) {
        ("standard", "n1") => 375,
        ("highmem", "n1") => 650,
        ("highcpu", "n1") => 90,
        ("standard", _) => 400,
        ("highmem", _) => 800,
        ("highcpu", _) => 100,
        _ => return None,
    };
    words.next().is_none().then_some(count * processor + count * each * memory / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::model::Machine;
    use crate::deploy::samples::deployment;

    fn wish(machine_type: &str, zone: &str) -> CloudMachine {
        CloudMachine { machine_type: machine_type.into(), zone: zone.into(), ..CloudMachine::default() }
    }

    #[test]
    fn types_have_the_prices_of_their_parts() {
        let of = |machine_type: &str| of_family(machine_type);
        assert_eq!(of("e2-standard-2"), Some(67_006));
        assert_eq!(of("n1-standard-1"), Some(47_499));
        assert_eq!(of("n2-highmem-4"), Some(262_028));
        for unknown in ["m3-ultramem-32", "e2-micro", "e2-custom-2-2048", "n2-standard", "n2-standard-x", ""] {
            assert_eq!(of(unknown), None, "{unknown}");
        }
        let whole = hourly(&wish("e2-micro", "us-west1-a")).unwrap();
        assert_eq!(whole, Price(8_380 + 1_370 + 5_000));
        assert!(hourly(&wish("e2-micro", "europe-west6-a")).unwrap() > whole);
        let bare = CloudMachine { address: Reached::Internal, disk: Some(100), ..wish("e2-micro", "us-west1-a") };
        assert_eq!(hourly(&bare), Some(Price(8_380 + 13_700)));
    }

    #[test]
    fn what_costs_more_than_is_wished_for_is_refused() {
        let mut made = deployment(&[("a", ""), ("b", "")]);
        for (name, service) in [("one", "a"), ("two", "b"), ("idle", "")] {
            let kind = MachineKind::Gcp(wish("e2-micro", "us-west1-a"));
            made.machines.insert(
                name.into(),
                Machine { closed: false, kind, wishes: crate::build::Wishes::default(), origin: None },
            );
            if let Some(service) = made.services.get_mut(service) {
                service.machine = name.into();
            }
        }
        let check = |most: &str| check(&made, Some(most.parse().unwrap()));
        assert!(check("0.03").is_ok());
        let failure = check("0.02").unwrap_err();
        assert_eq!(
            failure.message,
            "the machines cost up to 0.0295 USD an hour, and 0.0200 USD is the most that is wished for"
        );
        assert_eq!(failure.causes[0], "one: 0.0148 USD (e2-micro in us-west1-a)");
        made.machines["two"].kind = MachineKind::Gcp(wish("x9-mega-1", "us-west1-a"));
        let failure = super::check(&made, Some(Price(1))).unwrap_err();
        assert_eq!(failure.message, "what the machine `two` costs is not known: x9-mega-1");
        assert!(super::check(&made, None).is_ok());
        assert!("-1".parse::<Price>().is_err() && "x".parse::<Price>().is_err() && "NaN".parse::<Price>().is_err());
    }
}
