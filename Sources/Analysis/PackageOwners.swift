public import ImageFiles
public import OCI

/// The packages that own the files of an image, by the lists of their managers.
public struct PackageOwners: Sendable {
    private let names: [FileTree.InodeID: String]

    /// Reads the lists among the files of an image.
    public init(of files: ImageFiles) { names = PackageScanner(files, LiveFiles(files.tree)).owners }

    /// Returns the name of the package that has a file; nil for a file of no package.
    public subscript(inode: FileTree.InodeID) -> String? { names[inode] }
}
