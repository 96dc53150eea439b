/** One line of `npm run bench`. */
export interface BenchRow {
  /** What was measured: `warm evaluation of 1+1, p50`. */
  readonly name: string;
  readonly value: number;
  /** `ms`, `MiB`, `s`, `tokens`, `x` ... */
  readonly unit: string;
  /** What the value is seen beside, measured in the same run: `bare node 25 ms`. */
  readonly beside: string;
  readonly bar: number;
  /** Whether the value must not exceed the bar, or must reach it. */
  readonly want: "<=" | ">=";
}

/** One file of bench/ exports one of these. */
export interface Benchmark {
  readonly name: string;
  run(): Promise<readonly BenchRow[]>;
}

/** The value below which the share `p` (0 to 1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}
