//! The links between a script and running programs: one connection per port, shared by all who send or receive there.
//!
//! Knows addresses and items; which service has which address is told by the caller. Read [`Links`] first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

use super::port_client::{self, Connection, Farewell, Identity, Incoming, Outgoing, PortError, PortPlace};
use super::protocol::ErrorBody;
use crate::report::{ExitCode, Failure};

/// Requests to send that may wait for one port.
const JOBS: usize = 64;
/// Items kept for a reader who does not read; after that the program has to wait.
const KEPT: usize = 1024;

/// A port of one running member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortKey {
    /// Name of the deployment, as its programs know it.
    pub(super) deployment: String,
    /// Where the member listens.
    pub(super) place: PortPlace,
    /// `service.port`, for messages.
    pub(super) shown: String,
    /// The port's name.
    pub(super) port: String,
}

/// Items to send, and who waits for that.
type Job = (Vec<String>, oneshot::Sender<Result<(), PortError>>);
/// An item that came, or why no more come.
type Arrival = Result<String, ErrorBody>;
type Subscribers = Rc<RefCell<Vec<mpsc::Sender<Arrival>>>>;
/// Who receives from which member, to be told where an item to that member was refused: no answer will come.
type Hopeful = Rc<RefCell<Vec<(PortPlace, Subscribers)>>>;

/// All links of one script. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Links {
    /// Keeps the script's address from being anybody else's.
    reserved: TcpListener,
    epoch: u64,
    sending: Mutex<BTreeMap<PortKey, Sending>>,
    receiving: Mutex<BTreeMap<PortKey, Subscribers>>,
    hopeful: Hopeful,
    receivers: RefCell<BTreeMap<u64, mpsc::Receiver<Arrival>>>,
    last_receiver: Cell<u64>,
    tasks: RefCell<JoinSet<()>>,
}

#[derive(Clone, Debug)]
struct Sending {
    jobs: mpsc::Sender<Job>,
    farewell: Rc<RefCell<Option<Farewell>>>,
}

impl Links {
    /// Makes the script known by an address of its own.
    pub(super) fn new() -> std::io::Result<Self> {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Ok(Self {
            reserved: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            epoch: u64::try_from(epoch).unwrap_or_default(),
            sending: Mutex::default(),
            receiving: Mutex::default(),
            hopeful: Hopeful::default(),
            receivers: RefCell::default(),
            last_receiver: Cell::new(0),
            tasks: RefCell::default(),
        })
    }

    /// Sends items to an input, over a connection that is made with the first one.
    pub(super) async fn send(&self, key: &PortKey, items: Vec<String>) -> Result<(), ErrorBody> {
        let jobs = self.sender(key).await?;
        let (done, sent) = oneshot::channel();
        let outcome = match jobs.send((items, done)).await {
            Ok(()) => sent.await.unwrap_or(Err(PortError::Ended(None))),
            Err(_) => Err(PortError::Ended(None)),
        };
        outcome.map_err(|error| error.told(&key.shown))
    }

    async fn sender(&self, key: &PortKey) -> Result<mpsc::Sender<Job>, ErrorBody> {
        let mut sending = self.sending.lock().await;
        if let Some(link) = sending.get(key) {
            if !link.jobs.is_closed() {
                return Ok(link.jobs.clone());
            }
            let farewell = link.farewell.borrow_mut().take();
            sending.remove(key);
            // Whoever was told already, or left in order, is no reason not to try again.
            if let Some(error) = farewell.and_then(what_went_wrong) {
                return Err(error.told(&key.shown));
            }
        }
        let link = self.open(key, true).await?;
        let (jobs, inbox) = mpsc::channel(JOBS);
        let farewell = Rc::new(RefCell::new(None));
        let hopeful = (key.clone(), Rc::clone(&self.hopeful));
        self.spawn(run_sending(link, inbox, farewell.clone(), hopeful));
        sending.insert(key.clone(), Sending { jobs: jobs.clone(), farewell });
        Ok(jobs)
    }

    /// Joins an output; what it sends from now on is kept until [`Links::receiver`] takes it. Returns the receiver's number.
    pub(super) async fn receive(&self, key: &PortKey) -> Result<u64, ErrorBody> {
        let (arrivals, receiver) = mpsc::channel(KEPT);
        let mut receiving = self.receiving.lock().await;
        let joined = receiving.get(key).filter(|subscribers| !subscribers.borrow().is_empty());
        if let Some(subscribers) = joined {
            subscribers.borrow_mut().push(arrivals);
        } else {
            let link = self.open(key, false).await?;
            let subscribers = Subscribers::new(RefCell::new(vec![arrivals]));
            self.spawn(run_receiving(link, subscribers.clone(), key.shown.clone()));
            let mut hopeful = self.hopeful.borrow_mut();
            hopeful.retain(|(_, subscribers)| !subscribers.borrow().is_empty());
            hopeful.push((key.place.clone(), subscribers.clone()));
            drop(hopeful);
            receiving.insert(key.clone(), subscribers);
        }
        let number = self.last_receiver.get() + 1;
        self.last_receiver.set(number);
        self.receivers.borrow_mut().insert(number, receiver);
        Ok(number)
    }

    /// Takes a receiver; it is one reader's alone.
    pub(super) fn receiver(&self, number: u64) -> Result<mpsc::Receiver<Arrival>, Failure> {
        self.receivers.borrow_mut().remove(&number).ok_or_else(|| {
            Failure::new(ExitCode::Usage, format!("receiver {number} is not open, or is being read already"))
        })
    }

    async fn open(&self, key: &PortKey, sends: bool) -> Result<Connection, ErrorBody> {
        let identity = Identity { deployment: key.deployment.clone(), address: self.address(), epoch: self.epoch };
        port_client::open(&key.place, &key.port, sends, &identity).await.map_err(|error| error.told(&key.shown))
    }

    fn address(&self) -> SocketAddr {
        self.reserved.local_addr().unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.tasks.borrow_mut();
        while tasks.try_join_next().is_some() {}
        tasks.spawn_local(task);
    }
}

/// Sends what is asked for until the program leaves.
async fn run_sending(
    link: Connection,
    mut inbox: mpsc::Receiver<Job>,
    farewell: Rc<RefCell<Option<Farewell>>>,
    (key, hopeful): (PortKey, Hopeful),
) {
    let Connection { mut incoming, mut outgoing } = link;
    let left = async {
        let reason = incoming.farewell().await;
        if let Farewell::Because(_) = &reason
            && let Some(error) = what_went_wrong(reason.clone())
        {
            dash_hopes(&key.place, &hopeful, &error.told(&key.shown));
        }
        *farewell.borrow_mut() = Some(reason);
    };
    let sending = send_all(&mut inbox, &mut outgoing);
    tokio::select! {
        () = left => {}
        () = sending => {}
    }
    // Whoever asked in the meantime learns the reason.
    inbox.close();
    while let Some((_, done)) = inbox.recv().await {
        let error = farewell.borrow_mut().take().and_then(what_went_wrong);
        let _ = done.send(Err(error.unwrap_or(PortError::Ended(None))));
    }
}

/// Tells who waits for items of a member that one of the script's own was refused there.
fn dash_hopes(place: &PortPlace, hopeful: &Hopeful, error: &ErrorBody) {
    for (_, subscribers) in hopeful.borrow().iter().filter(|(other, _)| other == place) {
        // One who has yet to read what came need not wait.
        subscribers.borrow().iter().for_each(|subscriber| drop(subscriber.try_send(Err(error.clone()))));
    }
}

/// Without a word is how a program answers an item that it cannot read; in order is how it stops.
fn what_went_wrong(farewell: Farewell) -> Option<PortError> {
    match farewell {
        Farewell::InOrder => None,
        Farewell::Because(reason) => Some(PortError::Ended(Some(reason))),
        Farewell::CutOff => Some(PortError::CutOff),
    }
}

async fn send_all(inbox: &mut mpsc::Receiver<Job>, outgoing: &mut Outgoing) {
    while let Some((items, done)) = inbox.recv().await {
        let sent = outgoing.send(&items).await;
        let broken = matches!(sent, Err(PortError::Ended(_) | PortError::Broken(_)));
        // A script that gave up waiting needs no answer.
        let _ = done.send(sent);
        if broken {
            return;
        }
    }
    outgoing.goodbye().await;
}

/// Hands what comes to all who receive, until the program leaves or nobody receives.
async fn run_receiving(link: Connection, subscribers: Subscribers, shown: String) {
    let Connection { mut incoming, mut outgoing } = link;
    pass_on(&mut incoming, &subscribers, &shown).await;
    subscribers.borrow_mut().clear();
    outgoing.goodbye().await;
}

async fn pass_on(incoming: &mut Incoming, subscribers: &Subscribers, shown: &str) {
    loop {
        let arrival = match incoming.next().await {
            Ok(Some(item)) => Ok(item),
            Ok(None) => return,
            Err(error) => Err(error.told(shown)),
        };
        let last = arrival.is_err();
        let targets = subscribers.borrow().clone();
        for target in targets {
            // One that has left is taken out below.
            let _ = target.send(arrival.clone()).await;
        }
        subscribers.borrow_mut().retain(|target| !target.is_closed());
        if last || subscribers.borrow().is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use hydro_runtime_shim::contract::FrameKind;
    use tokio::task::LocalSet;

    use super::super::port_client::tests::Program;
    use super::*;

    fn key(address: SocketAddr, port: &str) -> PortKey {
        let shown = format!("server.{port}");
        PortKey { deployment: "test".into(), place: PortPlace::Tcp(address), shown, port: port.into() }
    }

    #[tokio::test]
    async fn all_links_of_a_script_have_one_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("has an address");
        let links = Links::new().expect("has an address of its own");
        let program = async {
            let mut replies = Program::accept(&listener).await;
            replies.welcome().await;
            let mut requests = Program::accept(&listener).await;
            requests.welcome().await;
            assert_eq!(requests.hello.address, replies.hello.address);
            assert!(requests.hello.sends && !replies.hello.sends);
            assert_eq!(requests.take_frame().await, b"0\n");
            replies.frame(FrameKind::Data, b"1\n2\n").await;
            replies.frame(FrameKind::Goodbye, b"").await;
        };
        let script = async {
            let number = links.receive(&key(address, "outbound")).await.expect("joins");
            let again = links.receive(&key(address, "outbound")).await.expect("shares the connection");
            links.send(&key(address, "inbound"), vec!["0".to_owned()]).await.expect("sends");
            for number in [number, again] {
                let mut receiver = links.receiver(number).expect("is open");
                assert_eq!(receiver.recv().await, Some(Ok("1".to_owned())));
                assert_eq!(receiver.recv().await, Some(Ok("2".to_owned())));
                assert_eq!(receiver.recv().await, None);
            }
            assert!(links.receiver(number).is_err(), "was taken");
        };
        LocalSet::new().run_until(async { tokio::join!(program, script) }).await;
    }

    #[tokio::test]
    async fn the_next_send_tells_why_the_program_left() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("has an address");
        let links = Links::new().expect("has an address of its own");
        let key = key(address, "inbound");
        let program = async {
            let mut program = Program::accept(&listener).await;
            program.welcome().await;
            program.frame(FrameKind::Goodbye, b"item 1 is no EchoMsg").await;
            // Started anew, it takes items again.
            let mut again = Program::accept(&listener).await;
            again.welcome().await;
            again.take_frame().await;
        };
        let script = async {
            let mut outcome = links.send(&key, vec!["{}".to_owned()]).await;
            while outcome.is_ok() {
                tokio::task::yield_now().await;
                outcome = links.send(&key, vec!["{}".to_owned()]).await;
            }
            let message = outcome.expect_err("left").message;
            assert_eq!(message, "server.inbound: the service refused an item: item 1 is no EchoMsg");
            links.send(&key, vec!["{}".to_owned()]).await.expect("a new connection");
        };
        LocalSet::new().run_until(async { tokio::join!(program, script) }).await;
    }
}
