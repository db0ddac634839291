export const id = 770;
export const ids = [770];
export const modules = {

/***/ 3770:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   abortS3Upload: () => (/* binding */ abortS3Upload)
/* harmony export */ });
/* harmony import */ var _bucket_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2731);
/* harmony import */ var _client_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7106);
/* harmony import */ var _options_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4938);
/* harmony import */ var _multipart_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1444);




/**
 * Ends a multipart upload that a killed run has left, within a few seconds. One that is gone is no error.
 * @throws StoreError when the server cannot be asked or refuses.
 */
async function abortS3Upload(leftover) {
    const signal = AbortSignal.timeout(_options_js__WEBPACK_IMPORTED_MODULE_2__/* .DEFAULT_OPTIONS */ .l.abortTimeout);
    const context = { signal, track: () => () => { }, info: () => { } };
    const connection = (0,_client_js__WEBPACK_IMPORTED_MODULE_1__/* .createConnection */ .t)(leftover.endpoint, _options_js__WEBPACK_IMPORTED_MODULE_2__/* .DEFAULT_OPTIONS */ .l);
    try {
        const bucket = new _bucket_js__WEBPACK_IMPORTED_MODULE_0__/* .Bucket */ .fW(leftover.bucket, connection, context, _options_js__WEBPACK_IMPORTED_MODULE_2__/* .DEFAULT_OPTIONS */ .l);
        await (0,_multipart_js__WEBPACK_IMPORTED_MODULE_3__/* .abortUpload */ .q)(bucket, leftover.key, leftover.uploadId, signal);
    }
    finally {
        connection.client.destroy();
    }
}


/***/ })

};
