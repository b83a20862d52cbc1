//! The client against an emulator of Compute Engine: a real HTTP server, with everything that can go wrong.

use std::time::{Duration, Instant};

use compute_emulator::{Emulator, Fault, Host, PROJECT, TOKEN};
use hydro_gcp::{
    AccessConfig, Allowed, Client, Credentials, Disk, DiskParams, Error, Firewall, Instance, Item, Kind, Metadata,
    NetworkInterface, Owner, Settings,
};

const ZONE: &str = "us-west1-a";

fn client(emulator: &Emulator) -> Client {
    of_project(emulator, PROJECT, Credentials::token(TOKEN).expect("is a token"))
}

fn of_project(emulator: &Emulator, project: &str, credentials: Credentials) -> Client {
    let pause = Some(Duration::from_millis(5));
    let settings = Settings { project: project.into(), credentials, endpoint: Some(emulator.endpoint()), pause };
    Client::new(settings).expect("is an endpoint")
}

fn instance(name: &str) -> Instance {
    let disk = DiskParams {
        source_image: "projects/debian-cloud/global/images/family/debian-12".into(),
        ..DiskParams::default()
    };
    let item = Item { key: "enable-guest-attributes".into(), value: "TRUE".into() };
    Instance {
        name: name.into(),
        machine_type: format!("zones/{ZONE}/machineTypes/e2-micro"),
        metadata: Some(Metadata { items: vec![item] }),
        disks: vec![Disk { boot: true, auto_delete: true, initialize_params: Some(disk) }],
        network_interfaces: vec![NetworkInterface {
            network: Some("global/networks/default".into()),
            access_configs: vec![AccessConfig::ephemeral()],
            ..NetworkInterface::default()
        }],
        ..Instance::default()
    }
}

async fn make(client: &Client, instance: &Instance) -> Result<(), Error> {
    let operation = client.insert_instance(ZONE, instance).await?;
    client.wait(&operation).await
}

#[tokio::test]
async fn a_machine_is_made_looked_at_and_deleted() {
    let emulator = Emulator::start(Duration::from_millis(40));
    let host = Host {
        internal: [10, 77, 0, 11].into(),
        public: [10, 77, 1, 11].into(),
        host_keys: vec!["ssh-ed25519 AAAAkey".into()],
    };
    emulator.add_hosts(vec![host]);
    let client = client(&emulator);
    let operation = client.insert_instance(ZONE, &instance("one")).await.expect("is taken");
    assert!(!operation.is_done());
    assert_eq!(client.host_keys(ZONE, "one").await.expect("is answered"), [""; 0], "it has not told yet");
    client.wait(&operation).await.expect("comes up");
    let found = client.instance(ZONE, "one").await.expect("is answered").expect("is there");
    assert_eq!((found.status.as_str(), found.zone_name()), ("RUNNING", ZONE));
    assert_eq!(found.internal_address(), Some([10, 77, 0, 11].into()));
    assert_eq!(found.public_address(), Some([10, 77, 1, 11].into()));
    assert_eq!(client.host_keys(ZONE, "one").await.expect("is answered"), ["ssh-ed25519 AAAAkey"]);
    let operation = client.delete_instance(ZONE, "one").await.expect("is taken").expect("is there");
    client.wait(&operation).await.expect("goes");
    assert_eq!(client.instance(ZONE, "one").await, Ok(None));
    assert_eq!(client.delete_instance(ZONE, "one").await, Ok(None), "what is gone needs no deleting");
    // One question for each operation: it is held until there is something to say.
    let waits = emulator.requests().iter().filter(|request| request.ends_with("/wait")).count();
    assert_eq!(waits, 2, "{:#?}", emulator.requests());
    assert_eq!(emulator.instances(), [""; 0]);
}

#[tokio::test]
async fn machines_are_found_by_their_owner_in_all_zones_and_pages() {
    let emulator = Emulator::start(Duration::ZERO);
    emulator.set_page(2);
    let client = client(&emulator);
    let (ours, others) = (Owner::new("echo", Some(2_000)), Owner::new("chat", None));
    for number in 0..5 {
        let mut instance = instance(&format!("m{number}"));
        if number < 4 {
            (if number == 3 { &others } else { &ours }).mark(&mut instance, 1_000);
        }
        make(&client, &instance).await.expect("is made");
    }
    let names = async |filter: &str| {
        let found = client.instances(filter).await.expect("is answered");
        found.iter().map(|instance| (instance.name.clone(), Owner::of(&instance.labels))).collect::<Vec<_>>()
    };
    let echo = names(&Owner::filter(Some(&ours))).await;
    assert_eq!(echo, ["m0", "m1", "m2"].map(|name| (name.to_owned(), Some(ours.clone()))));
    let all = names(&Owner::filter(None)).await;
    assert_eq!(all.len(), 4, "the fifth is none of ours: {all:?}");
    assert!(all.iter().filter(|(_, owner)| owner.as_ref().is_some_and(|owner| owner.has_expired(2_000))).count() == 3);
    let error = client.instances("nonsense").await.expect_err("is no filter");
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
}

#[tokio::test]
async fn firewall_rules_come_and_go() {
    let emulator = Emulator::start(Duration::from_millis(10));
    let client = client(&emulator);
    assert_eq!(client.firewalls("hydro-").await, Ok(Vec::new()), "a list without anything");
    for name in ["hydro-echo-in", "hydro-chat-in", "other"] {
        let rule = Firewall {
            name: name.into(),
            network: "global/networks/default".into(),
            source_ranges: vec!["203.0.113.7/32".into()],
            target_tags: vec!["hydro-echo".into()],
            allowed: vec![Allowed::tcp([22, 4000])],
            ..Firewall::default()
        };
        let operation = client.insert_firewall(&rule).await.expect("is taken");
        client.wait(&operation).await.expect("is made");
        assert_eq!(client.firewall(name).await, Ok(Some(rule)), "as it was sent");
    }
    let names: Vec<String> =
        client.firewalls("hydro-").await.expect("is answered").into_iter().map(|rule| rule.name).collect();
    assert_eq!(names, ["hydro-chat-in", "hydro-echo-in"]);
    let operation = client.delete_firewall("hydro-echo-in").await.expect("is taken").expect("is there");
    client.wait(&operation).await.expect("goes");
    assert_eq!(client.delete_firewall("hydro-echo-in").await, Ok(None));
    assert_eq!(emulator.firewalls(), ["hydro-chat-in", "other"]);
}

#[tokio::test]
async fn what_a_place_has_is_told() {
    let emulator = Emulator::start(Duration::ZERO);
    let client = client(&emulator);
    let zone = client.zone(ZONE).await.expect("is answered").expect("is there");
    assert_eq!((zone.name.as_str(), zone.status.as_str()), (ZONE, "UP"));
    assert_eq!(client.zone("moon-1-a").await, Ok(None));
    let arm = client.machine_type(ZONE, "t2a-standard-1").await.expect("is answered").expect("is there");
    assert_eq!(arm.architecture.as_deref(), Some("ARM64"));
    assert_eq!(client.machine_type(ZONE, "e9-huge").await, Ok(None));
    let image = client.image_of_family("debian-cloud", "debian-12").await.expect("is answered").expect("is there");
    assert!(image.self_link.contains("/debian-cloud/"), "{}", image.self_link);
    let network = client.network("default").await.expect("is answered").expect("is there");
    assert_eq!(network.auto_create_subnetworks, Some(true));
    make(&client, &instance("one")).await.expect("is made");
    let region = client.region("us-west1").await.expect("is answered").expect("is there");
    assert_eq!((region.left("INSTANCES"), region.left("BEANS")), (Some(23.0), None));
}

#[tokio::test]
async fn what_passes_is_tried_again_and_nothing_is_made_twice() {
    let emulator = Emulator::start(Duration::ZERO);
    let client = client(&emulator);
    for (number, (status, reason)) in
        [(429, "rateLimitExceeded"), (500, "backendError"), (503, "backendError"), (403, "rateLimitExceeded")]
            .into_iter()
            .enumerate()
    {
        emulator.spoil(Fault::error("POST", "/instances", (status, reason, "Not now.")).times(3));
        make(&client, &instance(&format!("m{number}"))).await.unwrap_or_else(|error| panic!("{status}: {error}"));
    }
    // It was made, and nobody heard of it: the second try is known for what it is, and no complaint that it exists.
    emulator.spoil(Fault::cut("POST", "/instances").times(2));
    make(&client, &instance("cut")).await.expect("is made once");
    emulator.spoil(Fault::cut("DELETE", "/instances"));
    let operation = client.delete_instance(ZONE, "cut").await.expect("is taken").expect("was there");
    client.wait(&operation).await.expect("goes");
    assert_eq!(emulator.instances(), ["m0", "m1", "m2", "m3"]);
    // Google's own wish counts where it is longer.
    emulator.spoil(Fault::error("GET", "/zones/", (429, "rateLimitExceeded", "Not now.")).retry_after(1));
    let before = Instant::now();
    client.zone(ZONE).await.expect("is answered");
    assert!(before.elapsed() >= Duration::from_secs(1), "{:?}", before.elapsed());
}

#[tokio::test]
async fn what_does_not_pass_is_told_in_googles_words_with_a_way_out() {
    let emulator = Emulator::start(Duration::ZERO);
    let client = client(&emulator);
    let told = async |kind: Kind, words: &str, hint: &str| {
        let error = make(&client, &instance("one")).await.expect_err(words);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with("cannot create ") && error.to_string().contains(words), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
    };
    let spoil =
        |status, reason, words| emulator.spoil(Fault::error("POST", "/instances", (status, reason, words)).times(1));
    spoil(403, "forbidden", "Required 'compute.instances.create' permission for 'projects/hydro-1234'");
    told(Kind::Forbidden, "Required 'compute.instances.create' permission", "roles/compute.instanceAdmin.v1").await;
    spoil(403, "accessNotConfigured", "Compute Engine API has not been used in project 1234 before or it is disabled.");
    told(
        Kind::Disabled,
        "has not been used in project",
        "gcloud services enable compute.googleapis.com --project hydro-1234",
    )
    .await;
    emulator.spoil(Fault::error("POST", "/instances", (500, "backendError", "Internal error.")).times(6));
    told(Kind::Busy, "Internal error. (backendError)", "try again later").await;
    emulator.set_quota("INSTANCES", 0);
    told(
        Kind::Quota,
        "Quota 'INSTANCES' exceeded. Limit: 0.0 in region us-west1.",
        "iam-admin/quotas?project=hydro-1234",
    )
    .await;
    emulator.set_quota("INSTANCES", 9);
    // The operation is taken, and fails later.
    let full = ("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough resources available.");
    emulator.fail_operations("insert", Some(full));
    told(
        Kind::Capacity,
        "`one`: The zone does not have enough resources available. (ZONE_RESOURCE_POOL_EXHAUSTED)",
        "another zone",
    )
    .await;
    assert_eq!(emulator.instances(), [""; 0], "what failed is not there");
    emulator.fail_operations("insert", None);
    make(&client, &instance("one")).await.expect("is made");
    told(Kind::Exists, "already exists (alreadyExists)", "").await;
    let unknown = Instance { machine_type: "zones/us-west1-a/machineTypes/e9-huge".into(), ..instance("two") };
    let error = make(&client, &unknown).await.expect_err("there is no such type");
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    emulator.expire_tokens();
    told(Kind::Unauthenticated, "invalid authentication credentials", "gcloud auth application-default login").await;
}

#[tokio::test]
async fn nobody_answers_and_odd_names_lead_nowhere() {
    let emulator = Emulator::start(Duration::ZERO);
    let settings = Settings {
        project: PROJECT.into(),
        credentials: Credentials::token(TOKEN).expect("is a token"),
        // A port of this machine's that nobody has.
        endpoint: Some("http://127.0.0.1:9/compute/v1".into()),
        pause: Some(Duration::from_millis(1)),
    };
    let error = Client::new(settings).expect("is an endpoint").zone(ZONE).await.expect_err("nobody is there");
    assert_eq!(error.kind(), Kind::Unreachable, "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
    let client = client(&emulator);
    for odd in ["", "../../other", "a/b", "a?b", "a b", ".."] {
        let error = client.delete_instance(ZONE, odd).await.expect_err(odd);
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert_eq!(client.instance(odd, "one").await.expect_err(odd).kind(), Kind::Invalid);
    }
    assert_eq!(emulator.requests(), [""; 0], "nothing was asked");
    let stranger = of_project(&emulator, "somebody-elses", Credentials::token(TOKEN).expect("is a token"));
    let error = make(&stranger, &instance("one")).await.expect_err("is not ours");
    assert_eq!(
        (error.kind(), error.to_string().contains("projects/somebody-elses")),
        (Kind::NotFound, true),
        "{error}"
    );
}
