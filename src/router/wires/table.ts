import type { ProviderSpec } from "../../manifest/generated/provider.ts";
import { openChat } from "./openai-chat.ts";
import { openScripted } from "./scripted.ts";
import type { OpenWire } from "./wire.ts";

/** Every wire. Adding one is a file and a line here. */
export const wires: Readonly<Record<ProviderSpec["wire"], OpenWire>> = {
  "openai-chat": openChat,
  scripted: openScripted,
};
