//! What Google is asked to make: a wish as the API's instance. Pure.
//!
//! Knows no client; what is in here is all that a machine is told of us.

use hydro_gcp::{AccessConfig, Disk, DiskParams, Instance, Item, Metadata, NetworkInterface, Owner, Scheduling, Tags};

use crate::machine::{CloudMachine, CloudRecord, Reached};

/// Who logs in there: made by Google's agent, which every image of theirs has.
pub(crate) const USER: &str = "hydro";
/// Families of machine types with ARM processors.
const ARM: [&str; 4] = ["t2a", "c4a", "n4a", "a4x"];
/// Families of machine types that take no other disks than these new ones.
const HYPERDISK: [&str; 6] = ["n4", "n4a", "n4d", "c4", "c4a", "c4d"];
/// What is started where nothing is said: its glibc is new enough for programs of most machines.
const IMAGE: &str = "debian-13";
/// Ends the machine when nobody was connected for a while. Established connections to the ssh server count, from the kernel's own table, so it needs nothing that
/// an image may lack, and goes on whatever becomes of our programs there.
const AUTOSTOP: &str = r#"#!/bin/sh
idle=@IDLE@ pause=@PAUSE@
up() { cut -d. -f1 /proc/uptime; }
last=$(up)
(
  while sleep "$pause"; do
    if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$2 ~ /:0016$/ && $4 == "01" { found = 1 } END { exit !found }'; then
      last=$(up)
    elif [ $(($(up) - last)) -ge "$idle" ]; then
      logger -t hydro "nobody was connected for $idle s: stopping" 2>/dev/null
      poweroff
      exit
    fi
  done
) </dev/null >/dev/null 2>&1 &
"#;

/// Makes the instance. `key` is the public half of the key that opens it, `now` is in seconds since 1970.
pub(super) fn instance(record: &CloudRecord, key: &str, now: u64) -> Instance {
    let wish = &record.wish;
    let zone = &wish.zone;
    let mut made = Instance {
        name: record.instance.clone(),
        machine_type: format!("zones/{zone}/machineTypes/{}", wish.machine_type),
        metadata: Some(Metadata { items: items(wish, key) }),
        disks: vec![disk(wish)],
        network_interfaces: vec![interface(wish)],
        tags: Some(Tags { items: vec![record.instance.clone()] }),
        ..Instance::default()
    };
    if wish.spot {
        made.scheduling = Some(Scheduling {
            provisioning_model: Some("SPOT".to_owned()),
            // It is started again by the next deploy, and deleted by `down`.
            instance_termination_action: Some("STOP".to_owned()),
            automatic_restart: Some(false),
            ..Scheduling::default()
        });
    }
    Owner::new(&record.owner, wish.ttl.map(|ttl| now + ttl)).mark(&mut made, now);
    made
}

fn items(wish: &CloudMachine, key: &str) -> Vec<Item> {
    let mut items = vec![
        // The machine tells Google its host keys, and we ask Google for them: nobody in between can be taken for it, and no secret is in the metadata.
        ("enable-guest-attributes", "TRUE".to_owned()),
        // Where a project logs in by accounts, keys of the metadata would be left alone.
        ("enable-oslogin", "FALSE".to_owned()),
        ("ssh-keys", format!("{USER}:{key}")),
    ];
    if let Some(idle) = wish.autostop {
        let pause = (idle / 4).clamp(1, 15);
        let script = AUTOSTOP.replace("@IDLE@", &idle.to_string()).replace("@PAUSE@", &pause.to_string());
        items.push(("startup-script", script));
    }
    items.into_iter().map(|(key, value)| Item { key: key.to_owned(), value }).collect()
}

fn disk(wish: &CloudMachine) -> Disk {
    let kind = if HYPERDISK.contains(&family_of(wish)) { "hyperdisk-balanced" } else { "pd-balanced" };
    let params = DiskParams {
        source_image: image(wish),
        disk_size_gb: wish.disk.map(|size| size.to_string()),
        disk_type: Some(format!("zones/{}/diskTypes/{kind}", wish.zone)),
    };
    Disk { boot: true, auto_delete: true, initialize_params: Some(params) }
}

fn family_of(wish: &CloudMachine) -> &str {
    wish.machine_type.split('-').next().unwrap_or_default()
}

fn image(wish: &CloudMachine) -> String {
    let family = |project: &str, family: &str| format!("projects/{project}/global/images/family/{family}");
    let is_arm = ARM.contains(&family_of(wish));
    match wish.image.as_deref() {
        Some(whole) if whole.starts_with("projects/") => whole.to_owned(),
        Some(image) => match image.split_once('/') {
            Some((project, image)) => family(project, image),
            None => family("debian-cloud", image),
        },
        None if is_arm => family("debian-cloud", &format!("{IMAGE}-arm64")),
        None => family("debian-cloud", IMAGE),
    }
}

fn interface(wish: &CloudMachine) -> NetworkInterface {
    let subnetwork = wish.subnetwork().map(|name| format!("regions/{}/subnetworks/{name}", wish.region()));
    let access_configs = match wish.address {
        Reached::External => vec![AccessConfig::ephemeral()],
        Reached::Internal => Vec::new(),
    };
    NetworkInterface {
        network: Some(format!("global/networks/{}", wish.network())),
        subnetwork,
        access_configs,
        ..NetworkInterface::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(wish: CloudMachine) -> CloudRecord {
        CloudRecord { wish, instance: "hydro-a-b-1".into(), owner: "a-1".into() }
    }

    #[test]
    fn all_that_is_wished_for_is_asked_for() {
        let wish = CloudMachine {
            project: "p".into(),
            zone: "us-west1-a".into(),
            machine_type: "t2a-standard-1".into(),
            disk: Some(20),
            network: Some("net/sub".into()),
            ttl: Some(3600),
            autostop: Some(600),
            address: Reached::Internal,
            spot: true,
            ..CloudMachine::default()
        };
        let made = instance(&record(wish), "ssh-ed25519 AAAA hydro", 1_000);
        assert_eq!(made.machine_type, "zones/us-west1-a/machineTypes/t2a-standard-1");
        let disk = made.disks[0].initialize_params.clone().unwrap();
        assert_eq!(disk.source_image, "projects/debian-cloud/global/images/family/debian-13-arm64");
        assert_eq!(disk.disk_type.as_deref(), Some("zones/us-west1-a/diskTypes/pd-balanced"));
        assert_eq!((disk.disk_size_gb.as_deref(), made.disks[0].auto_delete), (Some("20"), true));
        let interface = &made.network_interfaces[0];
        assert_eq!(interface.subnetwork.as_deref(), Some("regions/us-west1/subnetworks/sub"));
        assert!(interface.access_configs.is_empty());
        let scheduling = made.scheduling.unwrap();
        assert_eq!(scheduling.provisioning_model.as_deref(), Some("SPOT"));
        assert_eq!(scheduling.instance_termination_action.as_deref(), Some("DELETE"), "its time counts");
        assert_eq!(scheduling.max_run_duration.unwrap().seconds, "3600");
        assert_eq!(made.labels["hydro-deployment"], "a-1");
        let items = made.metadata.unwrap().items;
        let of = |key: &str| items.iter().find(|item| item.key == key).map(|item| item.value.as_str());
        assert_eq!(of("ssh-keys"), Some("hydro:ssh-ed25519 AAAA hydro"));
        assert!(of("startup-script").is_some_and(|script| script.contains("idle=600 pause=15")), "{items:?}");
    }

    #[test]
    fn images_are_families_of_debian_of_others_or_named_in_full() {
        let image = |name: &str| image(&CloudMachine { image: Some(name.into()), ..CloudMachine::default() });
        assert_eq!(image("debian-12"), "projects/debian-cloud/global/images/family/debian-12");
        assert_eq!(image("ubuntu-os-cloud/u"), "projects/ubuntu-os-cloud/global/images/family/u");
        assert_eq!(image("projects/p/global/images/i"), "projects/p/global/images/i");
    }
}
