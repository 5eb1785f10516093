// What Firefox's own window has that no page has; it ships no types.
declare const Cc: any;
declare const Ci: any;
declare const Cu: any;
declare const ChromeUtils: any;
declare const Services: any;
declare const WebExtensionPolicy: any;
declare const gBrowser: any;
