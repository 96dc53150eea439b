import { test } from "node:test";
import type { ContractCase, OpenStore } from "./contract/case.ts";
import { changeCases } from "./contract/change-cases.ts";
import { leaseCases } from "./contract/lease-cases.ts";
import { objectCases } from "./contract/object-cases.ts";
import { setCases } from "./contract/set-cases.ts";

/** What every driver of the store has to hold. */
const cases: readonly ContractCase[] = [...objectCases, ...setCases, ...changeCases, ...leaseCases];

/** Registers the contract as tests of one driver; each case gets a fresh store. */
export function runStoreContract(driver: string, open: OpenStore): void {
  for (const { name, eventsRetained, check } of cases) {
    test(`${driver}: ${name}`, async () => {
      const opened = await open(eventsRetained === undefined ? {} : { eventsRetained });
      try {
        await check(opened);
      } finally {
        await opened.close();
      }
    });
  }
}
