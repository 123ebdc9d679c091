"use strict"
// An import that is compiled from a file of its own. In the build the SDK runs from V8's code cache, where Node 20
// answers an import() with ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING. A file that is not TypeScript is copied into the
// build beside the bundle.

/**
 * @param {string} specifier a URL, or a package as seen from here
 * @returns {Promise<unknown>}
 */
exports.nativeImport = (specifier) => import(specifier)
