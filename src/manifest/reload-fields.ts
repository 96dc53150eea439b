/** The fields below one that may be a secret by reference. */
export function secretFields(field: string): readonly string[] {
  const sources = ["env", "file", "exec/*"];
  const from = `${field}/valueFrom`;
  return [from, ...sources.flatMap((source) => [`${from}/${source}`, `${from}/*/${source}`])];
}

/** The fields of what watches and of what comes by the clock: all are taken at once, and what stands or runs goes on. */
export const watcherFields: readonly string[] = [
  "spec/type",
  "spec/agent",
  "spec/conversation",
  "spec/interval",
  "spec/jitter",
  "spec/timeout",
  "spec/trigger",
  "spec/recovery",
  "spec/timezone",
  "spec/group",
  "spec/groupWait",
  "spec/suspend",
  "spec/url",
  "spec/method",
  "spec/body",
  "spec/followRedirects",
  "spec/caFile",
  "spec/contentDigest",
  "spec/path",
  "spec/key",
  "spec/kvNamespace",
  "spec/match",
  "spec/pidFile",
  "spec/host",
  "spec/port",
  "spec/send",
  "spec/tool",
  "spec/maxBytes",
  "spec/headers/*",
  ...secretFields("spec/headers/*"),
  "spec/command/*",
  "spec/env/*",
  "spec/arguments/**",
  "spec/allowPrivate/*",
];
export const cronFields: readonly string[] = [
  "spec/schedule",
  "spec/timezone",
  "spec/agent",
  "spec/task",
  "spec/conversation",
  "spec/tool",
  "spec/jitter",
  "spec/overlap",
  "spec/catchup",
  "spec/catchupMax",
  "spec/catchupWindow",
  "spec/startAt",
  "spec/endAt",
  "spec/maxRuns",
  "spec/pauseOnFailure",
  "spec/suspend",
  "spec/arguments/**",
];
