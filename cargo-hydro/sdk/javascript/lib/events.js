//! What happens to a deployment.

/** Reads an event, and adds whom it is about: `service`, and `member` where the service has several. */
export function readEvent(text) {
  const event = JSON.parse(text);
  // What was waited for in vain.
  if (event.kind === "unhealthy") {
    event.message = event.expected;
    delete event.expected;
  }
  if (event.name) {
    const [service, member] = event.name.split(".");
    event.service = service;
    if (member !== undefined) event.member = Number(member);
  }
  return event;
}
