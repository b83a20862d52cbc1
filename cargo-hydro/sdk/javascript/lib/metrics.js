//! What running programs count, as rows.

// What a member counts by itself.
const OF_MEMBER = ["deployment", "service", "member", "uptime_seconds", "ticks", "busy_seconds"];

/** Makes one flat row of each link, with what its member counts. A member without links has one row. */
export function rows(metrics) {
  return metrics.flatMap((each) => {
    const member = Object.fromEntries(OF_MEMBER.map((key) => [key, each[key]]));
    const links = each.links.length > 0 ? each.links : [{}];
    return links.map(({ latency = { sum_seconds: 0, count: 0 }, ...link }) => ({
      ...member,
      ...link,
      latency_mean_seconds: latency.count > 0 ? latency.sum_seconds / latency.count : null,
      latency_count: latency.count,
    }));
  });
}
