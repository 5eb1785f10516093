// @ts-check
// The browser's key in IndexedDB, which keeps a key as a key: it can be used from there, and not read. A Firefox that
// always browses privately has no IndexedDB for extensions; there the key lies in memory until the browser is closed.

const DATABASE = "crmlink";
const STORE = "keys";
const KEY = "connection";
const IN_MEMORY = "key";

/**
 * @param {() => IDBFactory} factory a browser may throw where there is none
 * @param {Pick<import("./session.js").Store, "get" | "set" | "remove">} memory
 * @returns {import("./dpop.js").KeyStore}
 */
export function createKeyStore(factory, memory) {
  /**
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<any>} work
   * @param {() => Promise<any>} otherwise where there is no IndexedDB
   * @returns {Promise<any>} once it is on the disk
   */
  async function inStore(mode, work, otherwise) {
    const database = await open(factory());
    if (!database) return otherwise();
    try {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      return request.result;
    } finally {
      database.close();
    }
  }

  const remembered = async () => (await memory.get(IN_MEMORY))[IN_MEMORY];

  /** @param {CryptoKeyPair} pair */
  async function remember(pair) {
    await memory.set({ [IN_MEMORY]: pair });
    // A browser that keeps only text in memory turns the key into nothing.
    if (!((await remembered())?.privateKey instanceof CryptoKey)) throw new DOMException("no place for a key", "DataCloneError");
  }

  return {
    read: async () => (await inStore("readonly", (store) => store.get(KEY), remembered)) ?? null,
    keep: async (pair) => void (await inStore("readwrite", (store) => store.put(pair, KEY), () => remember(pair))),
    remove: async () => void (await inStore("readwrite", (store) => store.delete(KEY), () => memory.remove(IN_MEMORY))),
  };
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase | null>} null where the browser has none for us; any other failure may pass
 */
function open(factory) {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onblocked = () => reject(request.error);
    request.onerror = () => (request.error?.name === "InvalidStateError" ? resolve(null) : reject(request.error));
  });
}
