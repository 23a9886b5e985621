package dev.lorikeet.nn;

import dev.lorikeet.kernel.Columns;
import dev.lorikeet.tape.LayerOps;
import dev.lorikeet.tape.Var;
import java.util.ArrayList;
import java.util.List;

/**
 * A norm of its own for every head.
 *
 * @param heads one a head
 * @param headDim columns of a head
 */
public record PerHeadNorm(List<Norm> heads, int headDim) implements Norm {

  @Override
  public Var forward(Pass pass, Var x) {
    List<Var> normed = new ArrayList<>();
    List<Columns> places = new ArrayList<>();
    for (int head = 0; head < heads.size(); head++) {
      Columns place = Columns.of(head * headDim, headDim, heads.size() * headDim);
      Var own = LayerOps.columns(pass.tape(), x, place);
      normed.add(heads.get(head).forward(pass, own));
      places.add(place);
    }
    return LayerOps.join(pass.tape(), normed, places);
  }
}
