// What is wrong with a file, or with what became of it, in words for people.

/** The file cannot be read on; rows before this place were read. */
export class FileProblem extends Error {}

/** The file cannot be read any more, or is another one than before: the load can go on with the right one. */
export class OtherFileNeeded extends FileProblem {}
