// @ts-check
// The browser's key in IndexedDB, which keeps a key as a key: it can be used from there, and not read.

const DATABASE = "crmlink";
const STORE = "keys";
const KEY = "connection";

/**
 * @param {() => IDBFactory} factory a browser may throw where there is none
 * @returns {import("./dpop.js").KeyStore}
 */
export function createKeyStore(factory) {
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>} once it is on the disk
   */
  async function inStore(mode, work) {
    const database = await open(factory());
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

  return {
    read: async () => (await inStore("readonly", (store) => store.get(KEY))) ?? null,
    keep: async (pair) => void (await inStore("readwrite", (store) => store.put(pair, KEY))),
    remove: async () => void (await inStore("readwrite", (store) => store.delete(KEY))),
  };
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 */
function open(factory) {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
