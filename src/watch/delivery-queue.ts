import { type ErrorData, errorData } from "../lib/errors.ts";
import type { Timers } from "../manifest/watch/timers.ts";
import type { Deliver, Delivered, Delivery } from "./contract.ts";

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/** How long a delivery waits that was tried so many times. */
export function retryDelay(attempts: number): number {
  return Math.min(RETRY_MS * 2 ** Math.min(attempts - 1, 30), RETRY_MS_MAX);
}

/** Makes deliveries one after the other, each again until it has ended. */
export class DeliveryQueue {
  private readonly parts: {
    readonly deliver: Deliver;
    readonly timers: Timers;
    /** What is to be made next; none when nothing is, or when it is not on disk yet. */
    readonly next: () => Delivery | undefined;
    /** The delivery has ended: `next` gives another one from now on. */
    readonly ended: (
      delivery: Delivery,
      how: Exclude<Delivered, { readonly type: "retry" }>,
    ) => void;
    /** It has to wait; told again only for another reason. */
    readonly waits: (delivery: Delivery, error: ErrorData) => void;
  };
  private making: Promise<void> | undefined;
  private cancelRetry: (() => void) | undefined;
  private attempts = 0;
  private told: string | undefined;
  private isClosed = false;

  constructor(parts: DeliveryQueue["parts"]) {
    this.parts = parts;
  }

  /** Goes on, when it does not already. */
  pump(): void {
    if (this.isClosed || this.making !== undefined || this.cancelRetry !== undefined) return;
    const delivery = this.parts.next();
    if (delivery === undefined) return;
    this.making = this.make(delivery).finally(() => {
      this.making = undefined;
      this.pump();
    });
  }

  private async make(delivery: Delivery): Promise<void> {
    const { deliver, timers, ended, waits } = this.parts;
    const delivered = await deliver(delivery).catch(
      (error: unknown): Delivered => ({ type: "retry", error: errorData(error) }),
    );
    if (delivered.type !== "retry") {
      this.attempts = 0;
      this.told = undefined;
      ended(delivery, delivered);
      return;
    }
    this.attempts += 1;
    if (this.told !== delivered.error.code) waits(delivery, delivered.error);
    this.told = delivered.error.code;
    if (this.isClosed) return;
    this.cancelRetry = timers.after(retryDelay(this.attempts), () => {
      this.cancelRetry = undefined;
      this.pump();
    });
  }

  /** Begins no more; resolves when the one that is being made has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    await this.making;
  }
}
