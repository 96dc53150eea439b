// Goal: durations and sizes of manifests mean what they say, and people can read them back.
// Method: tables of texts and numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs, formatDuration, formatSize, parseDuration, parseSize } from "./quantities.ts";

const durations: [text: string, wantMs: number | undefined][] = [
  ["500ms", 500],
  ["60s", 60_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["2d", 172_800_000],
  ["0s", 0],
  ["60", undefined],
  ["", undefined],
  ["1 s", undefined],
  ["-1s", undefined],
  ["1month", undefined],
  ["1.2.3s", undefined],
];

for (const [text, wantMs] of durations) {
  test(`duration "${text}" is ${wantMs === undefined ? "refused" : `${wantMs} ms`}`, () => {
    assert.equal(parseDuration(text), wantMs);
  });
}

const sizes: [text: string, wantBytes: number | undefined][] = [
  ["20kB", 20_000],
  ["64KiB", 65_536],
  ["1.5MiB", 1_572_864],
  ["3GB", 3_000_000_000],
  ["12B", 12],
  ["64", undefined],
  ["64mib", undefined],
  ["64 MiB", undefined],
];

for (const [text, wantBytes] of sizes) {
  test(`size "${text}" is ${wantBytes === undefined ? "refused" : `${wantBytes} bytes`}`, () => {
    assert.equal(parseSize(text), wantBytes);
  });
}

test("a duration that validation should have refused is a bug", () => {
  assert.throws(() => durationMs("soon"), /"soon" is not a duration/);
});

test("people read lengths of time and sizes", () => {
  assert.deepEqual([0.4, 850, 999.6, 3_200, 59_949, 59_960, 245_000].map(formatDuration), [
    "0 ms",
    "850 ms",
    "1.0 s",
    "3.2 s",
    "59.9 s",
    "1 m 00 s",
    "4 m 05 s",
  ]);
  assert.deepEqual([0, 512, 1536, 67_108_864, 5 * 2 ** 40].map(formatSize), [
    "0 B",
    "512 B",
    "1.5 KiB",
    "64 MiB",
    "5120 GiB",
  ]);
});
