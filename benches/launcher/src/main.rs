//! `launcher FOLDER TARGET COUNT`: as many services of one program as are asked for, in a ring, deployed by hydro_deploy on this machine.
//!
//! Says `up` with the seconds of `deploy()` and `start()` when both are done, and stops the services when its standard input ends.

use std::path::PathBuf;
use std::time::Instant;

use hydro_deploy::Deployment;
use hydro_deploy::rust_crate::RustCrate;
use hydro_deploy::rust_crate::ports::RustCrateSource as _;
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, target, count] = arguments.as_slice() else { return Err("launcher FOLDER TARGET COUNT".into()) };
    let (folder, target, count) = (PathBuf::from(folder), PathBuf::from(target), count.parse::<usize>()?);
    let mut deployment = Deployment::new();
    let here = deployment.Localhost();
    let program = RustCrate::new(&folder, &folder).bin("idle").profile("release").target_dir(target);
    let services: Vec<_> = (0..count).map(|_| deployment.add_service(program.clone(), here.clone())).collect();
    for (sender, receiver) in services.iter().zip(services.iter().cycle().skip(1)) {
        sender.get_port("outbound".to_owned()).send_to(&receiver.get_port("inbound".to_owned()));
    }
    let begun = Instant::now();
    deployment.deploy().await?;
    let deployed = begun.elapsed();
    deployment.start().await?;
    println!("up {:.6} {:.6}", deployed.as_secs_f64(), (begun.elapsed() - deployed).as_secs_f64());
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    deployment.stop().await?;
    Ok(())
}
