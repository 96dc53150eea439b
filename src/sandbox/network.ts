import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";

/**
 * Closes the ways to the network that Node offers, in this process and for good. The permission model of Node 24 knows files,
 * processes, threads, addons and WASI, but not the network; a later one denies it by itself.
 */
export function denyNetwork(): void {
  const deny = (): never => {
    throw Object.assign(new Error("access to the network has been denied"), {
      code: "ERR_ACCESS_DENIED",
    });
  };
  const ways: readonly [target: object, names: readonly string[]][] = [
    [net.Socket.prototype, ["connect"]],
    [net.Server.prototype, ["listen"]],
    [dgram.Socket.prototype, ["bind", "connect", "send"]],
    [dns, ["lookup", "resolve", "resolve4", "resolve6"]],
    [dns.promises, ["lookup", "resolve", "resolve4", "resolve6"]],
  ];
  for (const [target, names] of ways) {
    for (const name of names) {
      Object.defineProperty(target, name, { value: deny, writable: false, configurable: false });
    }
  }
}
