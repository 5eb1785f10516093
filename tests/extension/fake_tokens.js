// @ts-check
// A server's doors for browsers, with the rule that the real one follows: a code or refresh token that is shown again
// gives the same successor, until the browser has used what it got; after that, showing it again ends the device.

import { PERSON, problemReply, reply } from "./fake_browser.js";

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const LIFE = 600;

/** @typedef {{id: string, name: string, newest: number, received: number, ended: string | null}} Device */

/**
 * @param {ReturnType<typeof import("./fake_browser.js").fakeServer>} server whose doors these are
 * @param {{now: number}} clock milliseconds
 */
export function fakeTokens(server, clock) {
  /** @type {Device[]} */
  const devices = [];
  const pairing = { state: "pending", begun: 0, code: "BCDF-GHJK", device: /** @type {Device | null} */ (null) };
  /** Access tokens by device and generation; each asking makes another. @type {Map<string, [Device, number, number]>} */
  const access = new Map();
  let made = 0;

  /** @param {Device} device @param {number} generation */
  function grant(device, generation) {
    device.newest = Math.max(device.newest, generation);
    made += 1;
    access.set(`access-token-${made}`, [device, generation, clock.now + LIFE * 1000]);
    return reply({
      access_token: `access-token-${made}`, token_type: "Bearer", expires_in: LIFE, refresh_token: `refresh-${device.id}-${generation}`,
      device: { id: device.id, name: device.name }, person: PERSON,
    });
  }

  /** @param {string} name @param {string} error */
  const refuse = (name, error) => problemReply(name, 400, "No.", { error });

  /** @param {any} body */
  function redeem(body) {
    if (body.device_code !== `device-code-${pairing.begun}`) return refuse("grant-refused", "invalid_grant");
    if (pairing.state === "pending") return refuse("pairing-pending", "authorization_pending");
    if (pairing.state === "slow") return refuse("pairing-hasty", "slow_down");
    if (pairing.state === "denied") return refuse("pairing-denied", "access_denied");
    if (pairing.state === "over") return refuse("pairing-over", "expired_token");
    if (!pairing.device) {
      pairing.device = { id: `dev_${devices.length + 1}`, name: "Front desk", newest: 0, received: 0, ended: null };
      devices.push(pairing.device);
    }
    return pairing.device.received > 0 ? refuse("grant-refused", "invalid_grant") : grant(pairing.device, 1);
  }

  /** @param {any} body */
  function rotate(body) {
    const [, id, number] = /^refresh-(dev_\d+)-(\d+)$/.exec(body.refresh_token) ?? [];
    const device = devices.find((one) => one.id === id);
    const generation = Number(number);
    if (!device || generation > device.newest) return refuse("grant-refused", "invalid_grant");
    if (device.ended) return refuse(device.ended, "invalid_grant");
    if (device.received > generation) {
      device.ended = "token-reused";
      return refuse("token-reused", "invalid_grant");
    }
    device.received = generation;
    return grant(device, generation + 1);
  }

  server.replies["POST /pairings"] = () => {
    pairing.begun += 1;
    Object.assign(pairing, { state: "pending", device: null });
    return reply({
      device_code: `device-code-${pairing.begun}`, user_code: pairing.code, verification_uri: "http://127.0.0.1:8787/pair",
      verification_uri_complete: `http://127.0.0.1:8787/pair?code=${pairing.code}`, expires_in: 600, interval: 2,
    });
  };
  server.replies["POST /token"] = (/** @type {any} */ { body }) => (body.grant_type === DEVICE_GRANT ? redeem(body) : rotate(body));
  server.replies["DELETE /devices/me"] = (/** @type {any} */ { headers }) => {
    const [device] = access.get(headers.Authorization.slice(7)) ?? [];
    if (device) device.ended = "device-revoked";
    return new Response(null, { status: 204 });
  };
  server.door.guard = ({ path, headers }) => {
    if (path === "/pairings" || path === "/token") return null;
    const [device, generation, until] = access.get(headers.Authorization?.slice(7)) ?? [];
    if (!device || device.ended || clock.now >= Number(until)) return problemReply("token-refused", 401, "No.");
    device.received = Math.max(device.received, Number(generation));
    return null;
  };

  return { devices, pairing, access };
}
