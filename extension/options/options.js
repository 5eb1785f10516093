// @ts-check
document.querySelector('main')?.append(chrome.i18n.getMessage('link_to_crm'));
