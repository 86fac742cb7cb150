extension PlatformProfile {
    /// The profiles that are built in, by name: the texts of docs/profiles.
    public static let texts = ["cloudflare-containers": cloudflareContainers]

    /// docs/profiles/cloudflare-containers.toml; a test compares both.
    private static let cloudflareContainers = """
        # Cloudflare Containers, from the platform's documentation and the source of its tool wrangler.
        # 'thaw gate --profile cloudflare-containers' has this file built in; '--profile FILE' reads a changed copy.
        name = "cloudflare-containers"
        date = "2026-11-30"
        platform = "linux/amd64"

        [size]              # wrangler's rule: ceil(factor x unpacked bytes + layers x layer) must fit the disk
        factor = 1.1
        layer = "16MiB"
        disk = "2000MB"     # without an instance type

        [[instance]]
        name = "lite"
        aliases = ["dev"]
        vcpu = 0.0625
        memory = "256MiB"
        disk = "2GB"

        [[instance]]
        name = "basic"
        vcpu = 0.25
        memory = "1GiB"
        disk = "4GB"

        [[instance]]
        name = "standard-1"
        aliases = ["standard"]
        vcpu = 0.5
        memory = "4GiB"
        disk = "8GB"

        [[instance]]
        name = "standard-2"
        vcpu = 1.0
        memory = "6GiB"
        disk = "12GB"

        [[instance]]
        name = "standard-3"
        vcpu = 2.0
        memory = "8GiB"
        disk = "16GB"

        [[instance]]
        name = "standard-4"
        vcpu = 4.0
        memory = "12GiB"
        disk = "20GB"

        """
}
