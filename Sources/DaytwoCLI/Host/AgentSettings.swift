import Failures
import Operations
import Policies

extension AgentSettings {
    /// The image that a person names, else the one of the configuration, else that of the environment.
    init(image: String?, _ configured: ConfiguredHost?) throws(Failure) {
        guard let image = image ?? configured?.agentImage ?? Environment.agentImage.value else {
            throw Failure(
                .usage, "no image of the agent is named",
                next:
                    "give --agent-image IMAGE, set DAYTWO_AGENT_IMAGE, or write agent.image under the host in daytwo.yaml"
            )
        }
        self.init(image: image)
        take(configured)
    }

    /// Takes over what the configuration says beside the image.
    mutating func take(_ configured: ConfiguredHost?) {
        pullSecrets = configured?.agentPullSecrets ?? []
        if let limit = configured?.agentStartTimeout { startLimit = .seconds(limit) }
        if let limit = configured?.agentScratchLimit { scratchLimit = limit }
    }
}
