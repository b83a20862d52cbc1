//! Credentials are found where Google's own tools find them. Each way is a process of its own, since the environment is what is tried.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use compute_emulator::{Emulator, PROJECT};
use hydro_gcp::{Client, Credentials, Settings};

/// Tells the process below where to ask.
const ENDPOINT: &str = "HYDRO_GCP_TEST_ENDPOINT";

/// Is the process: asks once, and prints what came of it. Run by hand there is nothing to ask.
#[tokio::test]
async fn the_process_that_asks() {
    let Some(endpoint) = std::env::var_os(ENDPOINT).and_then(|value| value.into_string().ok()) else { return };
    let line = match ask(endpoint).await {
        Ok(zone) => format!("found {zone}"),
        Err(error) => format!("{error}\nhint: {}", error.hint().unwrap_or_default()),
    };
    #[expect(clippy::print_stdout, reason = "read by the test that started it")]
    {
        println!("answer: {line}");
    }
}

async fn ask(endpoint: String) -> Result<String, hydro_gcp::Error> {
    let credentials = Credentials::find().await?;
    let pause = Some(Duration::from_millis(5));
    let client = Client::new(Settings { project: PROJECT.into(), credentials, endpoint: Some(endpoint), pause })?;
    Ok(client.zone("us-west1-a").await?.unwrap_or_default().name)
}

/// Runs the process with nothing but these variables, and a home without anything.
fn answer(emulator: &Emulator, home: &Path, variables: &[(&str, &str)]) -> String {
    let this = std::env::current_exe().expect("is running");
    #[expect(clippy::disallowed_methods, reason = "another environment is another process")]
    let mut command = Command::new(this);
    command.args(["--exact", "credentials::the_process_that_asks", "--nocapture"]).env_clear();
    command.env(ENDPOINT, emulator.endpoint()).env("HOME", home).envs(variables.iter().copied());
    let output = command.stderr(Stdio::inherit()).output().expect("can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_once("answer: ").unwrap_or_else(|| panic!("no answer in {text}")).1.to_owned()
}

#[test]
fn of_the_machine_itself() {
    let emulator = Emulator::start(Duration::ZERO);
    let home = tempfile::tempdir().expect("can be made");
    let host = emulator.address().to_string();
    let answer = answer(&emulator, home.path(), &[("GCE_METADATA_HOST", &host)]);
    assert!(answer.starts_with("found us-west1-a\n"), "{answer}");
}

#[test]
fn of_the_user_who_has_logged_in() {
    let emulator = Emulator::start(Duration::ZERO);
    let home = tempfile::tempdir().expect("can be made");
    let folder = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&folder).expect("can be made");
    let file = serde_json::json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("http://{}/token", emulator.address()),
    });
    std::fs::write(folder.join("application_default_credentials.json"), file.to_string()).expect("can be written");
    let answer = answer(&emulator, home.path(), &[]);
    assert!(answer.starts_with("found us-west1-a\n"), "{answer}");
}

#[test]
fn of_a_service_account() {
    let emulator = Emulator::start(Duration::ZERO);
    let home = tempfile::tempdir().expect("can be made");
    let key = home.path().join("key.pem");
    #[expect(clippy::disallowed_methods, reason = "a key that nobody has seen before")]
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-out"]).arg(&key).stderr(Stdio::null()).status();
    assert!(made.is_ok_and(|status| status.success()), "openssl makes the key of the account");
    let file = serde_json::json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": "1", "client_email": "deployer@hydro-1234.iam",
        "private_key": std::fs::read_to_string(&key).expect("is there"), "token_uri": format!("http://{}/token", emulator.address()),
    });
    let path = home.path().join("account.json");
    std::fs::write(&path, file.to_string()).expect("can be written");
    let given = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().expect("is text"))];
    let said = answer(&emulator, home.path(), &given);
    assert!(said.starts_with("found us-west1-a\n"), "{said}");
    // The same file, broken.
    std::fs::write(&path, "{}").expect("can be written");
    let said = answer(&emulator, home.path(), &given);
    assert!(said.starts_with("cannot use the credentials: "), "{said}");
    assert!(said.contains("hint: `gcloud auth application-default login`"), "{said}");
    // And one that is accepted no longer.
    emulator.expire_tokens();
    let metadata = emulator.address().to_string();
    let said = answer(&emulator, home.path(), &[("GCE_METADATA_HOST", &metadata)]);
    assert!(said.starts_with("found "), "a new token: {said}");
}

#[test]
fn where_there_are_none_the_way_to_some_is_told() {
    let emulator = Emulator::start(Duration::ZERO);
    let home = tempfile::tempdir().expect("can be made");
    // A port that nobody has.
    let said = answer(&emulator, home.path(), &[("GCE_METADATA_HOST", "127.0.0.1:9")]);
    assert!(said.starts_with("cannot use the credentials: "), "{said}");
    assert!(said.contains("hint: `gcloud auth application-default login`"), "{said}");
}
