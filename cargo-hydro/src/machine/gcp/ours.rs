//! Our own address, as a machine at Google sees it: whom its firewall lets in.
//!
//! Knows no firewall.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Google's own name server, which answers a certain name with the address of whoever asks.
const MIRROR: (Ipv4Addr, u16) = (Ipv4Addr::new(216, 239, 32, 10), 53);
const NAME: [&str; 4] = ["o-o", "myaddr", "l", "google.com"];
/// How long one answer may take; it is asked three times.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the address that a machine sees. Blocks.
///
/// # Errors
/// There is no way there, or something in between changes our address and nobody tells which it becomes.
pub(super) fn seen_by(machine: IpAddr) -> io::Result<IpAddr> {
    let own = on_the_way_to(machine)?;
    // Within a network of our own nobody changes addresses.
    if !is_private(own) || is_private(machine) {
        return Ok(own);
    }
    let mut last = io::Error::other("nobody answers");
    for number in 0..3 {
        match ask(MIRROR.into(), number) {
            Ok(address) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Returns the address of ours that leads there. Nothing is sent.
fn on_the_way_to(machine: IpAddr) -> io::Result<IpAddr> {
    let socket = match machine {
        IpAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        IpAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    }?;
    socket.connect((machine, 22))?;
    Ok(socket.local_addr()?.ip())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64/10 is what providers put many customers behind.
            let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
            address.is_private() || address.is_loopback() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

fn ask(server: SocketAddr, number: u16) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(&question(number))?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    told(&answer[..length]).ok_or_else(|| io::Error::other("the name server's answer holds no address"))
}

/// A question for texts (RFC 1035).
fn question(number: u16) -> Vec<u8> {
    let mut packet = number.to_be_bytes().to_vec();
    // One question, nothing else.
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for part in NAME.iter().flat_map(|part| part.split('.')) {
        packet.push(u8::try_from(part.len()).unwrap_or_default());
        packet.extend(part.bytes());
    }
    packet.extend([0, 0, 16, 0, 1]);
    packet
}

/// Finds the first text that is an address. An answer repeats the question, which holds none.
fn told(answer: &[u8]) -> Option<IpAddr> {
    let record = [0, 16, 0, 1];
    let mut from = 12;
    while let Some(at) = answer.get(from..)?.windows(4).position(|window| window == record) {
        // Type and class, four bytes of time to live, two of length, then the text with its own length.
        let start = from + at + 10;
        let length = usize::from(*answer.get(start).unwrap_or(&0));
        let text = answer.get(start + 1..start + 1 + length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(address) = text.and_then(|text| text.parse().ok()) {
            return Some(address);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_name_server_is_read() {
        let mut answer = question(7);
        answer[2] = 0x84;
        answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 13, 12]);
        answer.extend(b"203.0.113.77");
        assert_eq!(told(&answer), "203.0.113.77".parse().ok());
        assert_eq!((told(&question(7)), told(&[]), told(&answer[..30])), (None, None, None));
    }

    #[test]
    fn a_server_is_asked_with_a_well_formed_question() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let mut asked = [0; 512];
            let (length, from) = server.recv_from(&mut asked).unwrap();
            let mut answer = asked[..length].to_vec();
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 9, 8]);
            answer.extend(b"192.0.2.");
            answer.push(b'5');
            // A text that is cut short is no address; the next one counts.
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 10, 9]);
            answer.extend(b"192.0.2.5");
            server.send_to(&answer, from).unwrap();
            asked[..length].to_vec()
        });
        assert_eq!(ask(address, 7).unwrap(), "192.0.2.5".parse::<IpAddr>().unwrap());
        let asked = answering.join().unwrap();
        assert!(asked.windows(7).any(|window| window == b"\x06myaddr"), "{asked:?}");
    }

    #[test]
    fn within_a_private_network_our_address_is_the_one_that_leads_there() {
        assert_eq!(seen_by(Ipv4Addr::LOCALHOST.into()).unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert!(is_private([100, 64, 0, 1].into()) && !is_private([8, 8, 8, 8].into()));
    }
}
