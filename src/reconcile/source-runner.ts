import type { SourceStatus } from "./contract.ts";

/** A source that is read again and again until it is closed. */
export interface SourceRunner extends AsyncDisposable {
  /** Reads it now; resolves when what it declares was applied, or could not be. */
  reload(): Promise<void>;
  status(): SourceStatus;
  /** Settles when it was read for the first time. */
  readonly first: Promise<void>;
  /** Ends it; what it applied stays. */
  close(): Promise<void>;
}
