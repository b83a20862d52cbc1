//! Virtual machines: made, started, found again and deleted, with the firewall rules that belong to them.
//!
//! Each step looks before it does something, so whatever interrupts it, saying it again goes on. Knows nothing of ssh but the key that a machine is given.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hydro_gcp::{Allowed, Client, Error, Firewall, Instance, Kind, Operation, Owner};
use tokio::time::{Instant, sleep};

use super::account::failure;
use super::{Account, ours, spec};
use crate::machine::{Admission, CloudRecord, NotReady, Reached, Up};
use crate::report::{ExitCode, Failure, Reporter};

/// The user that machines are entered as.
pub const USER: &str = spec::USER;
/// How long a machine may take to come up, and to tell its host keys.
const PATIENCE: Duration = Duration::from_secs(600);
/// The pause between two looks at something that changes by itself.
const PAUSE: Duration = Duration::from_millis(500);
/// How Google says that a machine is off.
const OFF: [&str; 2] = ["TERMINATED", "STOPPED"];

/// Google, as far as it is asked for machines.
#[derive(Clone, Debug)]
pub struct Cloud {
    account: Account,
}

impl Cloud {
    /// Finds the credentials.
    ///
    /// # Errors
    /// They cannot be used.
    pub async fn find() -> Result<Self, Failure> {
        Ok(Self { account: Account::find().await? })
    }

    /// Has a machine up: made where there is none, started where it was stopped.
    ///
    /// # Errors
    /// Google refuses, or the machine does not come up.
    pub async fn ready(&self, record: &CloudRecord, key: &str, reporter: &Reporter) -> Result<Up, NotReady> {
        let mut left = false;
        let up = self.bring_up(record, key, (reporter, &mut left)).await;
        up.map_err(|failure| NotReady { failure, left })
    }

    async fn bring_up(
        &self,
        record: &CloudRecord,
        key: &str,
        (reporter, left): (&Reporter, &mut bool),
    ) -> Result<Up, Failure> {
        let client = self.account.client(&record.wish.project)?;
        let (up, is_new) = up(&client, record, key, (reporter, left)).await.map_err(|error| failure(&error))?;
        let internal = up.internal_address();
        let address = match record.wish.address {
            Reached::External => up.public_address(),
            Reached::Internal => internal,
        };
        let address = address.ok_or_else(|| {
            Failure::new(ExitCode::DeployFailed, format!("the machine `{}` has no address", record.instance))
                .hint("`hydro down` deletes it, and the next deploy makes another")
        })?;
        let ((), host_keys) = tokio::try_join!(self.let_us_in(record, address), host_keys(&client, record))?;
        Ok(Up { address, internal, host_keys, is_new })
    }

    /// Has the firewall let our address in, and nobody else, to the ssh server.
    ///
    /// # Errors
    /// Google refuses, or our address cannot be found out.
    pub async fn let_us_in(&self, record: &CloudRecord, machine: IpAddr) -> Result<(), Failure> {
        let seen = tokio::task::spawn_blocking(move || ours::seen_by(machine)).await;
        let seen = seen.map_err(std::io::Error::other).and_then(|seen| seen).map_err(|error| {
            Failure::new(ExitCode::DeployFailed, "cannot find out our own public address, which the firewall is to let in")
                .cause(error)
                .hint("Google's name server at 216.239.32.10 tells it; where nobody may ask it, deploy from within the network with `address = \"internal\"`")
        })?;
        let admission = Admission { ports: vec![22], addresses: vec![seen], ..Admission::default() };
        self.admit(record, record.entrance(), &admission).await
    }

    /// Has the firewall let a machine's peers in, and nobody else.
    ///
    /// # Errors
    /// Google refuses.
    pub async fn let_peers_in(&self, record: &CloudRecord, admission: &Admission) -> Result<(), Failure> {
        self.admit(record, record.links(), admission).await
    }

    /// Has the firewall let everybody in, to ports that are exposed.
    ///
    /// # Errors
    /// Google refuses.
    pub async fn let_everybody_in(&self, record: &CloudRecord, admission: &Admission) -> Result<(), Failure> {
        self.admit(record, record.exposed(), admission).await
    }

    async fn admit(&self, record: &CloudRecord, name: String, admission: &Admission) -> Result<(), Failure> {
        let client = self.account.client(&record.wish.project)?;
        let somebody = admission.everybody || !admission.machines.is_empty() || !admission.addresses.is_empty();
        let nobody = admission.ports.is_empty() || !somebody;
        let done =
            if nobody { no_rule(&client, &name).await } else { rule(&client, &wanted(record, name, admission)).await };
        done.map_err(|error| failure(&error))
    }

    /// Whether a machine is there and runs, or is about to.
    ///
    /// # Errors
    /// Google refuses, or is not reached.
    pub async fn is_on(&self, record: &CloudRecord) -> Result<bool, Failure> {
        let client = self.account.client(&record.wish.project)?;
        let found = client.instance(&record.wish.zone, &record.instance).await.map_err(|error| failure(&error))?;
        Ok(found.is_some_and(|instance| matches!(instance.status.as_str(), "RUNNING" | "PROVISIONING" | "STAGING")))
    }

    /// Deletes a machine and its firewall rules, and waits until they are gone. What is gone already is as good.
    ///
    /// # Errors
    /// Google refuses, or is not reached; the rest is deleted all the same.
    pub async fn remove(&self, record: &CloudRecord) -> Result<(), Failure> {
        let client = self.account.client(&record.wish.project)?;
        let (links, entrance, exposed) = (record.links(), record.entrance(), record.exposed());
        let (machine, links, entrance, exposed) = tokio::join!(
            no_instance(&client, record),
            no_rule(&client, &links),
            no_rule(&client, &entrance),
            no_rule(&client, &exposed)
        );
        machine.and(links).and(entrance).and(exposed).map_err(|error| failure(&error))
    }
}

/// Has an instance running; also says whether it was made just now. `left` becomes whether there may be one.
async fn up(
    client: &Client,
    record: &CloudRecord,
    key: &str,
    (reporter, left): (&Reporter, &mut bool),
) -> Result<(Instance, bool), Error> {
    let (zone, name) = (&record.wish.zone, &record.instance);
    let deadline = Instant::now() + PATIENCE;
    let mut is_new = false;
    loop {
        let found = client.instance(zone, name).await?;
        *left = found.is_some();
        let status = found.as_ref().map_or("", |instance| instance.status.as_str()).to_owned();
        match found {
            None => {
                reporter.status("Creating", format!("{name} ({} in {zone})", record.wish.machine_type));
                let made = make(client, record, key).await;
                *left = made.as_ref().map_or_else(is_uncertain, |()| true);
                match made {
                    Ok(()) => is_new = true,
                    // Its predecessor is on its way out, or somebody else is faster.
                    Err(error) if error.kind() == Kind::Exists && Instant::now() < deadline => sleep(PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
            Some(instance) if status == "RUNNING" => return Ok((instance, is_new)),
            Some(_) if OFF.contains(&status.as_str()) => {
                reporter.status("Starting", format!("the machine {name}, which was stopped"));
                if let Some(operation) = client.start_instance(zone, name).await? {
                    client.wait(&operation).await?;
                }
            }
            Some(_) if Instant::now() < deadline => sleep(PAUSE).await,
            Some(_) => return Err(Error::never(format!("use the machine `{name}`"), format!("it stays {status}"))),
        }
    }
}

async fn make(client: &Client, record: &CloudRecord, key: &str) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let operation = client.insert_instance(&record.wish.zone, &spec::instance(record, key, now)).await?;
    client.wait(&operation).await
}

/// Whether something may have been done all the same.
fn is_uncertain(error: &Error) -> bool {
    matches!(error.kind(), Kind::Busy | Kind::Unreachable | Kind::Exists | Kind::Unauthenticated | Kind::Other)
}

/// Asks Google for the host keys until the machine has told them.
async fn host_keys(client: &Client, record: &CloudRecord) -> Result<Vec<String>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = client.host_keys(&record.wish.zone, &record.instance).await.map_err(|error| failure(&error))?;
        if !told.is_empty() {
            return Ok(told);
        }
        if Instant::now() > deadline {
            let message = format!("the machine `{}` does not tell its host keys", record.instance);
            return Err(Failure::new(ExitCode::DeployFailed, message)
                .hint("its image needs Google's guest agent, as their own images have it"));
        }
        sleep(PAUSE).await;
    }
}

async fn no_instance(client: &Client, record: &CloudRecord) -> Result<(), Error> {
    wait(client, client.delete_instance(&record.wish.zone, &record.instance).await?).await
}

async fn no_rule(client: &Client, name: &str) -> Result<(), Error> {
    wait(client, client.delete_firewall(name).await?).await
}

async fn wait(client: &Client, operation: Option<Operation>) -> Result<(), Error> {
    match operation {
        Some(operation) => client.wait(&operation).await,
        None => Ok(()),
    }
}

fn wanted(record: &CloudRecord, name: String, admission: &Admission) -> Firewall {
    let whole = |address: &IpAddr| format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 });
    let mut rule = Firewall {
        name,
        network: format!("global/networks/{}", record.wish.network()),
        source_ranges: match admission.everybody {
            true => vec!["0.0.0.0/0".to_owned()],
            false => admission.addresses.iter().map(whole).collect(),
        },
        source_tags: admission.machines.clone(),
        target_tags: vec![record.instance.clone()],
        allowed: vec![Allowed::tcp(admission.ports.iter().copied())],
        ..Firewall::default()
    };
    Owner::new(&record.owner, None).mark_rule(&mut rule);
    rule
}

/// Has a rule be as it is wanted.
async fn rule(client: &Client, wanted: &Firewall) -> Result<(), Error> {
    let known = client.firewall(&wanted.name).await?;
    let says = |rule: &Firewall| (rule.source_ranges.clone(), rule.source_tags.clone(), rule.allowed.clone());
    match known {
        Some(known) if says(&known) == says(wanted) => Ok(()),
        Some(_) => wait(client, client.update_firewall(wanted).await?).await,
        None => match client.insert_firewall(wanted).await {
            Ok(operation) => client.wait(&operation).await,
            // An earlier try of ours came through after all.
            Err(error) if error.kind() == Kind::Exists => wait(client, client.update_firewall(wanted).await?).await,
            Err(error) => Err(error),
        },
    }
}
