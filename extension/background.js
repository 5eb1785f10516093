// @ts-check
// The only part that talks to the server and holds the token.

const MENU = "link-to-crm";

chrome.runtime.onInstalled.addListener(() => {
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({
      id: MENU,
      title: chrome.i18n.getMessage("link_to_crm"),
      contexts: ["page", "selection"],
    });
  });
});
