/** The identity of a directory: a name can lead to another directory later, its inode does not. */
export interface DirectoryIdentity {
  /** Absolute, symlinks resolved. */
  readonly path: string
  /** Empty where it is not known. */
  readonly device: string
  /** Empty where it is not known. */
  readonly inode: string
}

/** What a log says of the workspace that it was made for. */
export interface LogIdentity extends DirectoryIdentity {
  /** Random, made with the log. A copy of the log has the same one. */
  readonly id: string
}
