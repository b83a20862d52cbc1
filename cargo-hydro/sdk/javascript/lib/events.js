//! What happens to a deployment.

/** Reads an event, and adds whom it is about: `service`, and `member` where the service has several. */
export function readEvent(text) {
  const event = JSON.parse(text);
  if (event.name) {
    const [service, member] = event.name.split(".");
    event.service = service;
    if (member !== undefined) event.member = Number(member);
  }
  return event;
}
