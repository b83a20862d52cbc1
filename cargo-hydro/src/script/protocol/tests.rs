//! What lines of the protocol look like.

use super::*;
use crate::report::{ExitCode, Failure, Origin};

#[test]
fn requests_are_read_and_unknown_fields_left_alone() {
    let line = r#"{"id":7,"later":1,"method":"service.add_hydroflow","params":{"deployment":0,"src":"a.hf","params":{"n":1},"more":[]}}"#;
    let request = read_request(line).expect("is a request");
    assert_eq!(request.id, 7);
    let Call::AddHydroflow(add) = request.call else { panic!("{request:?}") };
    assert_eq!((add.src.as_str(), add.place.count, add.place.on), ("a.hf", 1, None));
    assert_eq!(add.params["n"], 1);
}

#[test]
fn machines_carry_their_kind() {
    let line = r#"{"id":1,"method":"machine.add","params":{"deployment":0,"kind":"gcp","project":"p","zone":"z","type":"t","origin":{"file":"a.py","line":3}}}"#;
    let Call::AddMachine(add) = read_request(line).expect("is a request").call else { panic!("{line}") };
    assert_eq!(
        add.kind,
        Kind::Gcp { project: "p".into(), zone: "z".into(), machine_type: "t".into(), options: Box::default() }
    );
    assert_eq!(add.origin.map(Origin::from), Some(Origin::line("a.py", 3)));
}

#[test]
fn a_wrong_request_is_answered_under_its_own_id() {
    for line in [r#"{"id":9,"method":"no.such"}"#, r#"{"id":9,"method":"service.stop","params":{"deployment":"x"}}"#] {
        let reply = read_request(line).expect_err(line);
        assert_eq!(reply.id, 9);
        let Body::Error(error) = reply.body else { panic!("{line}") };
        assert_eq!(error.kind, ErrorKind::Protocol);
    }
    assert_eq!(read_request("nonsense").expect_err("no JSON").id, 0);
}

#[test]
fn replies_have_one_of_three_bodies() {
    let text = |body| serde_json::to_string(&Reply { id: 1, body }).expect("is JSON");
    assert_eq!(text(Body::Result(Answer::Done(()))), r#"{"id":1,"result":null}"#);
    assert_eq!(text(Body::Result(Answer::Code(-9))), r#"{"id":1,"result":-9}"#);
    assert_eq!(text(Body::Item("a".into())), r#"{"id":1,"item":"a"}"#);
    let failure = Failure::new(ExitCode::Usage, "no").at(Origin::line("a.py", 2)).hint("do");
    assert_eq!(
        text(Body::Error(failure.into())),
        r#"{"id":1,"error":{"kind":"failed","message":"no","origin":{"file":"a.py","line":2,"column":null},"causes":[],"hint":"do","rendered":[]}}"#
    );
}
