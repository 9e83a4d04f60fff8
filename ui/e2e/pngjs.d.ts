// What of `pngjs` is used; it brings no types.
declare module 'pngjs' {
  export class PNG {
    constructor(size: { width: number; height: number });
    readonly width: number;
    readonly height: number;
    readonly data: Buffer;
    static readonly sync: { read(bytes: Buffer): PNG; write(picture: PNG): Buffer };
  }
}
