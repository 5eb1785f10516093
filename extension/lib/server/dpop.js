// @ts-check
// Proofs that this browser holds the key its tokens are bound to (DPoP, RFC 9449). The private half of the key cannot
// be read, by us or by anyone: it is kept where only signing with it is possible. A copy of the tokens opens nothing.

/** The one kind of key and signature that the server takes. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const NONCE = "nonce";

/**
 * Where the key is kept. Each may throw where the browser does not let us.
 * @typedef {object} KeyStore
 * @property {() => Promise<CryptoKeyPair | null>} read null when there is none
 * @property {(pair: CryptoKeyPair) => Promise<void>} keep in place of the one before
 * @property {() => Promise<void>} remove
 */

/** The browser has no key any more, so its tokens are of no use to it. */
export class KeyLost extends Error {}

/** The key cannot be read or kept at the moment. */
export class KeyUnreadable extends Error {}

/** @typedef {ReturnType<typeof createProver>} Prover */

/**
 * @param {KeyStore} keys
 * @param {import("./session.js").Store} memory that lives as long as the browser runs
 * @param {() => number} now milliseconds
 */
export function createProver(keys, memory, now) {
  /**
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T>}
   */
  const reading = async (work) => {
    try {
      return await work;
    } catch (cause) {
      throw new KeyUnreadable("key", { cause });
    }
  };

  return {
    /** Make the key of a new connection; the one before is gone. Throws KeyUnreadable. */
    newKey: () => reading(crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]).then(keys.keep)),

    /** @returns {Promise<void>} */
    async forget() {
      await keys.remove().catch(() => undefined);
      await memory.remove(NONCE);
    },

    /**
     * The header that proves one request. Throws KeyLost or KeyUnreadable.
     * @param {{method: string, url: string, token?: string | undefined}} request
     * @returns {Promise<string>}
     */
    async prove({ method, url, token }) {
      const pair = await reading(keys.read());
      if (!pair) throw new KeyLost("key");
      const { origin, pathname } = new URL(url);
      const claims = {
        jti: crypto.randomUUID(), htm: method, htu: origin + pathname, iat: Math.floor(now() / 1000),
        ...(token === undefined ? {} : { ath: await hash(token) }),
        ...(await nonceOf(origin)),
      };
      return sign(pair, claims);
    },

    /**
     * The server's newest word on what time it is, for the next proof.
     * @param {string} url
     * @param {string | null} nonce
     */
    async note(url, nonce) {
      if (nonce) await memory.set({ [NONCE]: { origin: new URL(url).origin, nonce } });
    },
  };

  /** @param {string} origin @returns {Promise<{nonce?: string}>} */
  async function nonceOf(origin) {
    const kept = (await memory.get(NONCE))[NONCE];
    return kept?.origin === origin ? { nonce: kept.nonce } : {};
  }
}

/**
 * @param {CryptoKeyPair} pair
 * @param {object} claims
 */
async function sign(pair, claims) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const said = [header, claims].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign(SIGNING, pair.privateKey, new TextEncoder().encode(said));
  return `${said}.${base64url(new Uint8Array(signature))}`;
}

/** @param {string} token */
async function hash(token) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
